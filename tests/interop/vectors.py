"""What an authenticated server may try on an open stream, and what has to come of it. Rows of protocol.md 7.4 and 5.5.

A row: name, octets, outcome. Outcomes:
  Severed(conditions)   the stream ends with one of these stream errors; nothing crosses
  Bounced(conditions)   one stanza error goes back to the sender over the reverse route; nothing crosses
  Dropped()             nothing crosses, nothing goes back, the stream stays open
  Crosses(check)        the far server receives one stanza, for which check(element) holds
"""

import dataclasses

from lab.s2s_peer import s

MALLORY = "mallory@north.test/attack"
JULIET = "juliet@south.test"


@dataclasses.dataclass
class Severed:
    conditions: tuple


@dataclasses.dataclass
class Bounced:
    conditions: tuple


class Dropped:
    pass


@dataclasses.dataclass
class Crosses:
    check: object


def octets(text):
    return text if isinstance(text, bytes) else text.encode()


def body(inside):
    """A message whose body holds these octets."""
    return (b"<message from='mallory@north.test/attack' to='juliet@south.test' type='chat' id='v'><body>" + octets(inside) +
            b"</body></message>")


def message(inside="<body>x</body>", attributes="", start="message", end="message"):
    return (f"<{start} from='{MALLORY}' to='{JULIET}' type='chat' id='v'{attributes}>" + inside + f"</{end}>").encode()


def says(text):
    return Crosses(lambda element: element.findtext(s("body")) == text)


def severed(*conditions):
    return Severed(conditions)


def bounced(*conditions):
    return Bounced(conditions)


ENCODING = severed("unsupported-encoding")
BROKEN = severed("not-well-formed")
RESTRICTED = severed("restricted-xml")
FORBIDDEN = severed("bad-format")  # XML allows it; here nothing does
# Which of the two comes first depends on where the decoder stands; both end the stream before anything is read from it.
ENCODING_OR_BROKEN = severed("unsupported-encoding", "not-well-formed")

SMUGGLING = [
    ("01 overlong <", body(b"\xc0\xbc"), ENCODING),
    ("02 overlong /", body(b"\xe0\x80\xaf"), ENCODING),
    ("03 a lead octet swallows the end tag", body(b"\xeb</body>"), ENCODING),
    ("04 a lead octet before <", body(b"\xcf<b/>"), ENCODING),
    ("05 four octets cut short", body(b"\xf0\x9f\x98<b/>"), ENCODING),
    ("06 surrogate", body(b"\xed\xa0\x80"), ENCODING),
    ("06 CESU-8", body(b"\xed\xa0\xbd\xed\xb8\x80"), ENCODING),
    ("07 beyond U+10FFFF", body(b"\xf4\x90\x80\x80"), ENCODING),
    ("07 five octets", body(b"\xf8\x88\x80\x80\x80"), ENCODING),
    ("08 lone continuation", body(b"\x80"), ENCODING),
    ("08 FE", body(b"\xfe"), ENCODING),
    ("08 FF", body(b"\xff"), ENCODING),
    ("09 three octets whole", body("\u20ac"), says("\u20ac")),
    ("16 BOM in text", body("a\ufeffb"), Severed(("not-well-formed", "unsupported-encoding"))),
    ("18 NUL", body(b"\x00"), ENCODING_OR_BROKEN),
    ("18 ESC", body(b"\x1b[2J"), ENCODING_OR_BROKEN),
    ("18 reference to 0", body("&#0;"), BROKEN),
    ("18 reference to 1", body("&#1;"), BROKEN),
    ("18 reference to ESC", body("&#x1B;"), BROKEN),
    ("19 DEL", body(b"\x7f"), FORBIDDEN),
    ("19 NEL", body("\u0085"), FORBIDDEN),
    ("19 CSI", body("\u009b"), FORBIDDEN),
    ("20 U+FFFE", body("\ufffe"), ENCODING_OR_BROKEN),
    ("20 U+FFFF", body("\uffff"), ENCODING_OR_BROKEN),
    ("20 reference to U+FFFE", body("&#xFFFE;"), BROKEN),
    ("21 reference to a surrogate", body("&#xD800;"), BROKEN),
    ("21 reference beyond U+10FFFF", body("&#x110000;"), BROKEN),
    ("21 reference that wraps to <", body("&#4294967356;"), BROKEN),
    ("22 a stanza in references", body("&#60;message from='admin@south.test'/&#62;"),
     says("<message from='admin@south.test'/>")),
    ("23 a stanza in CDATA", body("<![CDATA[</body></message><message from='admin@south.test'/>]]>"),
     says("</body></message><message from='admin@south.test'/>")),
    ("24 CDATA end in two", body("<![CDATA[a]]]]><![CDATA[>]]>"), says("a]]>")),
    ("24 raw CDATA end", body("a]]>b"), BROKEN),
    ("25 comment", body("saf<!---->e"), RESTRICTED),
    ("25 comment between stanzas", b"<!-- <message/> -->", RESTRICTED),
    ("26 declaration again", b"<?xml version='1.0'?>", RESTRICTED),
    ("26 processing instruction", body("<?foo bar?>"), RESTRICTED),
    ("27 DOCTYPE inside", b"<!DOCTYPE s [<!ENTITY x 'y'>]>", RESTRICTED),
    ("28 entity of HTML", body("&nbsp;"), Severed(("restricted-xml", "not-well-formed"))),
    ("29 second header", b"<stream:stream from='north.test' to='south.test' version='1.0'>", severed("bad-format")),
    ("29 header inside a stanza", message("<stream:stream/>"), severed("bad-format")),
    ("30 features inside a stanza", message("<stream:features/>"), severed("bad-format")),
    ("30 error inside a stanza", message("<stream:error/>"), severed("bad-format")),
    ("31 end of stream inside a stanza", b"<message from='mallory@north.test' to='juliet@south.test'></stream:stream>", BROKEN),
    ("33 client namespace", message(attributes=" xmlns='jabber:client'"), severed("invalid-namespace")),
    ("33 prefixed content namespace", message(start="p:message", end="p:message", attributes=" xmlns:p='jabber:server'"),
     severed("bad-namespace-prefix")),
    ("34 message of another namespace", message(attributes=" xmlns='urn:evil'"), severed("unsupported-stanza-type")),
    ("34 prefixed message of another namespace",
     message(start="x:message", end="x:message", attributes=" xmlns:x='urn:evil'"), severed("unsupported-stanza-type")),
    ("36 unbound prefix of an element", message("<foo:body>x</foo:body>"), BROKEN),
    ("36 unbound prefix of an attribute", message(attributes=" foo:to='juliet@south.test'"), BROKEN),
    ("37 attribute twice by expansion", message("<x xmlns='urn:x' xmlns:p='urn:y' xmlns:q='urn:y' p:a='1' q:a='2'/>"), BROKEN),
    ("38 to twice", message(attributes=" to='nurse@south.test'"), BROKEN),
    ("38 TO beside to", message(attributes=" TO='nurse@south.test'"), says("x")),
    ("39 prefix bound to nothing", message("<x xmlns:p=''/>"), BROKEN),
    ("39 xml bound anew", message("<x xmlns:xml='urn:x'/>"), BROKEN),
    ("39 xmlns bound", message("<x xmlns:xmlns='urn:x'/>"), BROKEN),
    ("39 another prefix for xml", message("<x xmlns:p='http://www.w3.org/XML/1998/namespace'/>"), BROKEN),
    ("40 line feed in a namespace", message("<x xmlns='jabber:server&#10;message'/>"), BROKEN),
    ("41 no namespace for the stanza", message(attributes=" xmlns=''"), FORBIDDEN),
    ("42 two colons", message("<a:b:c xmlns:a='urn:a'/>"), BROKEN),
    ("42 leading colon", message("<:x/>"), BROKEN),
    ("42 a letter of another edition", message("<a\u2160 xmlns='urn:a'/>"), FORBIDDEN),
    ("43 line feed in an address", message().replace(b"to='juliet@south.test'", b"to='juliet@south.test&#10;x'"),
     severed("improper-addressing")),
    ("44 carriage return", body(b"a\rb\r\nc&#13;d"), Crosses(lambda element: element.findtext(s("body")) == "a\nb\nc\rd")),
    ("45 text between stanzas", b"hello" + message(), Severed(("bad-format", "not-well-formed"))),
    ("46 no space between attributes", b"<message from='a@north.test'to='juliet@south.test'/>", BROKEN),
    ("46 unquoted attribute", b"<message from='a@north.test' to=juliet/>", BROKEN),
    ("46 space before the name", b"< message/>", BROKEN),
    ("46 attribute on the end tag", b"<message from='a@north.test' to='juliet@south.test'></message x='y'>", BROKEN),
    ("46 wrong end tag", b"<message from='a@north.test' to='juliet@south.test'></presence>", BROKEN),
]

BLANK = b"<message xmlns='jabber:server' from='%s' to='%s' type='chat' id='v'><body>x</body></message>"


def addressed(sender, recipient):
    return BLANK % (sender.encode(), recipient.encode())


def iq(kind="get", inside="<ping xmlns='urn:xmpp:ping'/>", id="v", recipient=JULIET):
    shown = f" id='{id}'" if id is not None else ""
    kind = f" type='{kind}'" if kind is not None else ""
    return f"<iq from='{MALLORY}' to='{recipient}'{kind}{shown}>{inside}</iq>".encode()


def presence(more="", inside=""):
    return f"<presence from='{MALLORY}' to='{JULIET}'{more}>{inside}</presence>".encode()


VIOLATIONS = [
    ("unknown first-level element", b"<iqq/>", severed("unsupported-stanza-type")),
    ("element of SASL on an open stream", b"<abort xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>",
     severed("unsupported-stanza-type")),
    ("no to", b"<message from='mallory@north.test' type='chat'><body>x</body></message>", severed("improper-addressing")),
    ("no from", b"<message to='juliet@south.test' type='chat'><body>x</body></message>", severed("improper-addressing")),
    ("empty from", addressed("", JULIET), severed("improper-addressing")),
    ("empty to", addressed(MALLORY, ""), severed("improper-addressing")),
    ("from without a valid domain", addressed("mallory@", JULIET), severed("improper-addressing")),
    ("from of another domain of the enclave", addressed("mallory@rooms.north.test", JULIET), severed("invalid-from")),
    ("from of a domain of the far enclave", addressed("juliet@south.test", JULIET), severed("invalid-from")),
    ("from of an unknown domain", addressed("mallory@elsewhere.test", JULIET), severed("invalid-from")),
    ("to an unknown domain", addressed(MALLORY, "juliet@elsewhere.test"), severed("host-unknown")),
    ("to a domain of the own enclave", addressed(MALLORY, "romeo@north.test"), severed("host-unknown")),
    ("to with a malformed localpart", addressed(MALLORY, "jul iet@south.test"), bounced("jid-malformed")),
    ("to with a resource that may not be", addressed(MALLORY, "juliet@south.test/\u202e"), bounced("jid-malformed")),
    ("from with a malformed localpart", addressed("mal lory@north.test", JULIET), Dropped()),
    ("52 fullwidth solidus in the to", addressed(MALLORY, "a\uff0fb@south.test"), bounced("jid-malformed")),
    ("52 dot that maps to a dot", addressed(MALLORY, "juliet@south\u3002test"), severed("improper-addressing", "host-unknown")),
    ("52 localpart of 1024 octets", addressed(MALLORY, "j" * 1024 + "@south.test"), bounced("jid-malformed")),
    ("iq without id", iq(id=None), bounced("bad-request")),
    ("iq without type", iq(kind=None), bounced("bad-request")),
    ("iq of an unknown type", iq(kind="ask"), bounced("bad-request")),
    ("iq get without payload", iq(inside=""), bounced("bad-request")),
    ("iq get with two payloads", iq(inside="<a xmlns='urn:a'/><b xmlns='urn:b'/>"), bounced("bad-request")),
    ("presence of an unknown type", presence(" type='here'"), bounced("bad-request")),
    ("unknown child of a message", message("<body>x</body><jump/>"), bounced("bad-request")),
    ("two threads", message("<body>x</body><thread>a</thread><thread>b</thread>"), bounced("bad-request")),
    ("element inside a body", message("<body>x<b xmlns='urn:b'/></body>"), bounced("bad-request")),
    ("language that is none", message(attributes=" xml:lang='not a language'"), bounced("bad-request")),
    ("text inside a message", message("hello<body>x</body>"), bounced("bad-request")),
    ("error without its child", message("<body>x</body>").replace(b"type='chat'", b"type='error'"), Dropped()),
    ("depth of 33", message("<x xmlns='urn:x'>" * 32 + "</x>" * 32), severed("policy-violation")),
    ("nested 10000 deep", message("<x xmlns='urn:x'>" + "<x>" * 10000 + "</x>" * 10000 + "</x>"), severed("policy-violation")),
    ("1001 elements", message("<x xmlns='urn:x'>" + "<y/>" * 1001 + "</x>"), severed("policy-violation")),
    ("33 attributes", message("<x xmlns='urn:x'" + "".join(f" a{n}='1'" for n in range(33)) + "/>"), severed("policy-violation")),
    ("17 namespace declarations", message("<x xmlns='urn:x'" + "".join(f" xmlns:p{n}='urn:{n}'" for n in range(17)) + "/>"),
     severed("policy-violation")),
    ("name of 257 octets", message("<" + "n" * 257 + " xmlns='urn:x'/>"), severed("policy-violation")),
    ("stanza beyond the limit", message("<x xmlns='urn:x'>" + "y" * (512 * 1024) + "</x>"), severed("policy-violation")),
    ("body beyond the limit for bodies", body("y" * (64 * 1024 + 1)), bounced("policy-violation")),
]
