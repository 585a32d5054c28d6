-- Prosody's side of meshbridge. On Debian:
--
--   cp meshbridge.cfg.lua /etc/prosody/conf.d/
--   prosodyctl check config && systemctl restart prosody
--
-- The domain and the secret are those of bridge.yaml (upstream.domain and the
-- line in upstream.secret_file). This file holds the secret too, so:
--
--   chown root:prosody meshbridge.cfg.lua && chmod 640 meshbridge.cfg.lua
--
-- Prosody listens for components on 127.0.0.1, port 5347, which is what
-- "uri: tcp://127.0.0.1:5347" wants. To reach it from another host, put stunnel
-- with TLS before that port (deploy/stunnel) and write tls:// in bridge.yaml.
--
-- Nothing else has to be set: Prosody takes stanzas of up to 512 KiB from a
-- component, twice what the bridge sends (upstream.max_stanza). If you lower
-- component_stanza_size_limit, lower that too; Prosody ends the connection over a
-- larger one. mod_limits leaves components alone unless "limits" names them.

Component "lan.example.org"
	component_secret = "the line that meshbridge secret printed"
	name = "People in the office"

	-- A bridge that is back after its power failed replaces its own dead
	-- connection, which the default (kick_new) would keep until TCP gives it up.
	component_conflict_resolve = "kick_old"
