#!/usr/bin/python3
"""Alice: an ordinary XMPP client without a screen, for the office tests.

Runs on Debian's python3-slixmpp (so: /usr/bin/python3), because what judges the
bridge must not share code with it. One process is one login.

usage: alice.py JID PASSWORD HOST PORT [--quiet]

It signs in without TLS (the server stands in the same namespace), fetches the
roster and sends available presence, unless --quiet. Then one JSON object per
line on standard input is one command:

  {"do":"presence","show":"away","status":"gone fishing"}   both may be missing
  {"do":"subscribe","to":JID}          {"do":"unsubscribe","to":JID}
  {"do":"message","to":JID,"body":TEXT,"id":ID}
  {"do":"accept","value":false}        subscription requests are accepted by default
  {"do":"raw","xml":XML}
  {"do":"quit"}                        unavailable, close, exit
  and those of COMMANDS below; each of them ends with an event "done", with its
  name as "id" and what came of it as "text"

and one JSON object per line on standard output is one event: "ev" is "online",
"offline", "failed", or the kind of a stanza that came in (message, presence, iq)
with from, to, type, id, show, status, body and, whole, xml. "t" is the time in
seconds since 1970.
"""
import asyncio
import json
import sys
import time

from slixmpp import JID, ClientXMPP
from slixmpp.exceptions import IqError, IqTimeout


def emit(ev, **fields):
    """Write one event."""
    fields.update(ev=ev, t=time.time())
    print(json.dumps(fields), flush=True)


class Alice(ClientXMPP):
    def __init__(self, jid, password, quiet):
        super().__init__(jid, password)
        self.quiet = quiet
        self.accept = True
        # Subscriptions are answered by seen(), not by slixmpp's own policy.
        self.auto_authorize = None
        self.auto_subscribe = False
        self["feature_mechanisms"].unencrypted_plain = True
        self.add_filter("in", self.seen)
        self.add_event_handler("session_start", self.started)
        self.add_event_handler("failed_auth", lambda e: emit("failed", text="authentication"))
        self.add_event_handler("connection_failed", lambda e: emit("failed", text=str(e)))
        self.add_event_handler("disconnected", lambda e: emit("offline", text=str(e)))

    async def started(self, _):
        await self.get_roster()
        if not self.quiet:
            self.send_presence()
        emit("online", jid=str(self.boundjid))

    def seen(self, stanza):
        """Report every stanza; accept subscription requests when told so."""
        xml = stanza.xml
        kind = xml.tag.rpartition("}")[2]
        if kind not in ("message", "presence", "iq"):
            return stanza
        child = {c.tag: c.text or "" for c in xml if c.tag.startswith("{jabber:client}")}
        emit(kind, xml=str(stanza),
             **{k: xml.get(k, "") for k in ("from", "to", "type", "id")},
             **{k: child.get("{jabber:client}" + k, "") for k in ("show", "status", "body")})
        if kind == "presence" and xml.get("type") == "subscribe" and self.accept:
            self.send_presence(pto=xml.get("from"), ptype="subscribed")
        return stanza

    def obey(self, c):
        do = c["do"]
        if do == "presence":
            self.send_presence(pshow=c.get("show"), pstatus=c.get("status"))
        elif do in ("subscribe", "unsubscribe"):
            self.send_presence(pto=c["to"], ptype=do)
        elif do == "message":
            msg = self.make_message(mto=c["to"], mbody=c["body"], mtype="chat")
            msg["id"] = c.get("id", "")
            msg.send()
        elif do == "accept":
            self.accept = c["value"]
        elif do == "raw":
            self.send_raw(c["xml"])
        elif do == "quit":
            self.disconnect()
        elif do in COMMANDS:
            asyncio.ensure_future(self.service(do, c))
        else:
            emit("failed", text="unknown command " + do)


    async def service(self, do, c):
        """Run one of COMMANDS and report what came of it."""
        try:
            text = await COMMANDS[do](self, c)
        except IqError as e:
            text = e.condition
        except IqTimeout:
            text = "no answer"
        emit("done", id=do, text=text)


# Registration with a gateway (XEP-0077).

async def registration(alice, c):
    """{"do":"registration","to":JID}: is she registered, and by what name?"""
    alice.register_plugin("xep_0077", {"create_account": False})
    form = (await alice["xep_0077"].get_registration(jid=c["to"]))["register"]
    if "nick" not in form["fields"] or not form["instructions"]:
        return "no form"
    return "registered as " + form["nick"] if form["registered"] else "not registered"


async def register(alice, c):
    """{"do":"register","to":JID,"nick":NAME}"""
    alice.register_plugin("xep_0077", {"create_account": False})
    iq = alice.make_iq_set(ito=c["to"])
    iq["register"]["nick"] = c["nick"]
    await iq.send()
    return "registered"


async def unregister(alice, c):
    """{"do":"unregister","to":JID}"""
    alice.register_plugin("xep_0077", {"create_account": False})
    await alice["xep_0077"].cancel_registration(jid=c["to"])
    return "unregistered"


# What goes with messages: receipts (XEP-0184), corrections (XEP-0308), markers
# (XEP-0333), and copies for her other devices (XEP-0280).

async def receipts(alice, _):
    """{"do":"receipts"}: from now on asks for receipts and gives them."""
    alice.register_plugin("xep_0184", {"auto_ack": True, "auto_request": True})
    return "on"


async def correct(alice, c):
    """{"do":"correct","to":JID,"body":TEXT,"replaces":ID}"""
    alice.register_plugin("xep_0308")
    msg = alice.make_message(mto=c["to"], mbody=c["body"], mtype="chat")
    msg["replace"]["id"] = c["replaces"]
    msg.send()
    return "sent"


async def mark(alice, c):
    """{"do":"mark","to":JID,"marks":ID}: has displayed a message."""
    alice.register_plugin("xep_0333")
    alice["xep_0333"].send_marker(JID(c["to"]), c["marks"], "displayed")
    return "sent"


async def carbons(alice, _):
    """{"do":"carbons"}: asks the server for copies."""
    alice.register_plugin("xep_0280")
    await alice["xep_0280"].enable()
    return "on"


# Every function here is an awaitable of (alice, command) that returns a text.
COMMANDS = {f.__name__: f for f in (registration, register, unregister, receipts, correct, mark, carbons)}


async def main(jid, password, host, port, quiet):
    alice = Alice(jid, password, quiet)
    alice.connect((host, int(port)), disable_starttls=True)
    lines = asyncio.StreamReader(limit=1 << 22)
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)

    async def commands():
        while line := await lines.readline():
            alice.obey(json.loads(line))
        alice.disconnect()

    reading = asyncio.ensure_future(commands())
    await alice.disconnected
    reading.cancel()


if __name__ == "__main__":
    args = [a for a in sys.argv[1:] if a != "--quiet"]
    if len(args) != 4:
        sys.exit(__doc__)
    asyncio.get_event_loop_policy().get_event_loop().run_until_complete(
        main(*args, quiet="--quiet" in sys.argv))
