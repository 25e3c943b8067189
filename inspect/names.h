// Namespace names of the protocol, in one place.
#pragma once

#include <string_view>

namespace sallyport::inspect::ns {

/// The content namespace of whichever stream carries a stanza: jabber:server or jabber:client on the wire, symbolic
/// (the empty string) everywhere inside. Elements in no namespace are refused on input, so the empty string is free for
/// it. On an attribute the empty string means what it means in XML: no namespace. (protocol.md 5.6 X-05)
inline constexpr std::string_view kContent = "";

inline constexpr std::string_view kXml = "http://www.w3.org/XML/1998/namespace";
inline constexpr std::string_view kXmlns = "http://www.w3.org/2000/xmlns/";
inline constexpr std::string_view kStream = "http://etherx.jabber.org/streams";
inline constexpr std::string_view kClient = "jabber:client";
inline constexpr std::string_view kServer = "jabber:server";
inline constexpr std::string_view kTls = "urn:ietf:params:xml:ns:xmpp-tls";
inline constexpr std::string_view kSasl = "urn:ietf:params:xml:ns:xmpp-sasl";
inline constexpr std::string_view kStreamErrors = "urn:ietf:params:xml:ns:xmpp-streams";
inline constexpr std::string_view kStanzaErrors = "urn:ietf:params:xml:ns:xmpp-stanzas";
inline constexpr std::string_view kErrors = "urn:xmpp:errors";  // XEP-0205
inline constexpr std::string_view kDialback = "jabber:server:dialback";
inline constexpr std::string_view kDialbackFeature = "urn:xmpp:features:dialback";
inline constexpr std::string_view kBidi = "urn:xmpp:bidi";
inline constexpr std::string_view kBidiFeature = "urn:xmpp:features:bidi";
inline constexpr std::string_view kLimits = "urn:xmpp:stream-limits:0";  // XEP-0478
inline constexpr std::string_view kLabel = "urn:xmpp:sec-label:0";       // XEP-0258
inline constexpr std::string_view kSm = "urn:xmpp:sm:3";

// Payloads that the guard knows more of than their name.
inline constexpr std::string_view kPing = "urn:xmpp:ping";
inline constexpr std::string_view kDiscoInfo = "http://jabber.org/protocol/disco#info";
inline constexpr std::string_view kDiscoItems = "http://jabber.org/protocol/disco#items";
inline constexpr std::string_view kVcard = "vcard-temp";
inline constexpr std::string_view kVersion = "jabber:iq:version";
inline constexpr std::string_view kTime = "urn:xmpp:time";
inline constexpr std::string_view kLastActivity = "jabber:iq:last";
inline constexpr std::string_view kRoster = "jabber:iq:roster";
inline constexpr std::string_view kMucAdmin = "http://jabber.org/protocol/muc#admin";
inline constexpr std::string_view kMucOwner = "http://jabber.org/protocol/muc#owner";
inline constexpr std::string_view kPubsub = "http://jabber.org/protocol/pubsub";
inline constexpr std::string_view kPubsubOwner = "http://jabber.org/protocol/pubsub#owner";
inline constexpr std::string_view kCommands = "http://jabber.org/protocol/commands";
inline constexpr std::string_view kBlocking = "urn:xmpp:blocking";
inline constexpr std::string_view kMam = "urn:xmpp:mam:2";

}  // namespace sallyport::inspect::ns
