"""Two enclaves on one machine: real XMPP servers, their DNS, certificate authorities, clients, and the guard between them."""
