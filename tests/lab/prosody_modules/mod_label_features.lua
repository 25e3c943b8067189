-- Says that labels (XEP-0258) are known here: messages carry them as they are.
module:add_feature("urn:xmpp:sec-label:0");
