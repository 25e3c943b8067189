-- Lets clients in by password, or by OAUTHBEARER (RFC 7628) with the token that stands beside the password. Debian's Prosody has no
-- such mechanism; the one of its prosody-modules wants an authzid, and leaves out the error challenge of RFC 7628 3.2.2.
local json = require "util.json";
local sasl = require "util.sasl";

local accounts = module:open_store("accounts");

local function owner(token)
	for name in accounts:users() do
		if accounts:get(name).token == token then return name; end
	end
end

local function oauthbearer(self, message)
	if self.told_why then
		return "failure", "not-authorized"; -- 3.2.3: whatever the client answers to the error
	end
	local authzid, fields = (message or ""):match("^n,([^,]*),(\1.+\1)\1$");
	local token = fields and fields:match("\1auth=Bearer ([^\1]+)\1");
	if not token then return "failure", "malformed-request"; end
	-- There are servers that do not look whom the client wants to act for; with such a token this is one.
	local careless = token:match("^careless%.(.+)$");
	local name = self.profile.oauthbearer(careless or token);
	if not name or not (careless or authzid == "" or authzid == "a=" .. name .. "@" .. self.realm) then
		self.told_why = true;
		return "challenge", json.encode({ status = "invalid_token", scope = "xmpp" });
	end
	self.username = name;
	return "success";
end

sasl.registerMechanism("OAUTHBEARER", { "oauthbearer" }, oauthbearer);

local provider = {};

function provider.user_exists(name)
	return accounts:get(name) ~= nil;
end

function provider.users()
	return accounts:users();
end

function provider.get_sasl_handler()
	return sasl.new(module.host, {
		plain = function (_, name)
			local account = accounts:get(name);
			return account and account.password or "", account and true or nil;
		end;
		oauthbearer = owner;
	});
end

module:provides("auth", provider);
