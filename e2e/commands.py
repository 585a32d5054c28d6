#!/usr/bin/python3
"""Alice with a menu: alice.py with the ad-hoc commands of slixmpp (XEP-0050, 0004).

usage and events as alice.py; further commands are

  {"do":"commands","to":JID}      what there is: "node: name", sorted, one a line
  {"do":"command","to":JID,"node":NODE,"fill":[{FIELD:VALUE}, ...]}
                                  runs one: each form is filled in by the next of
                                  "fill"; what stands in the end is its notes and the
                                  rows of its table, or its fields
  {"do":"prompt","to":JID,"name":NAME}
                                  the address that a gateway makes of a name (XEP-0100)

Each ends with an event "did", with the command as "id", and what came of it, or the
condition of the error, as "text".
"""
import asyncio
import sys

import alice
from slixmpp.exceptions import IqError, IqTimeout
from slixmpp.xmlstream import ET


class Commander(alice.Alice):
    def __init__(self, jid, password, quiet):
        super().__init__(jid, password, quiet)
        for plugin in ("xep_0030", "xep_0004", "xep_0050"):
            self.register_plugin(plugin)
        self.deeds = {"commands": self.commands, "command": self.command, "prompt": self.prompt}

    def obey(self, c):
        if c["do"] in self.deeds:
            asyncio.ensure_future(self.perform(c))
        else:
            super().obey(c)

    async def perform(self, c):
        try:
            text = await self.deeds[c["do"]](c)
        except IqError as e:
            text = e.condition
        except IqTimeout:
            text = "no answer"
        alice.emit("did", id=c["do"], text=text)

    async def commands(self, c):
        found = await self["xep_0050"].get_commands(c["to"])
        return "\n".join(sorted(f"{node}: {name}" for _, node, name in found["disco_items"]["items"]))

    async def command(self, c):
        answer = (await self.order(c["to"], c["node"]))["command"]
        for fill in c.get("fill") or []:
            form = answer["form"]
            if answer["status"] != "executing" or form["type"] != "form":
                return f"no form but {answer['status']}"
            form["type"] = "submit"
            form.set_values(fill)
            action = answer.xml.find("{%s}actions" % answer.namespace).get("execute")
            answer = (await self.order(c["to"], c["node"], action=action, payload=form, sessionid=answer["sessionid"]))["command"]
        return "\n".join([answer["status"]] + [text for _, text in answer["notes"]] + self.lines(answer))

    async def order(self, to, node, **how):
        return await self["xep_0050"].send_command(to, node, timeout=30, **how)

    def lines(self, answer):
        form = answer.get_plugin("form", check=True)
        if form is None:
            return []
        table = [" | ".join(str(v) for v in row.values()) for row in form["items"]]
        return table or [f"{var}: {field['value']}" for var, field in form.get_fields(use_dict=True).items() if var]

    async def prompt(self, c):
        iq = self.make_iq_set(ito=c["to"])
        query = ET.SubElement(iq.xml, "{jabber:iq:gateway}query")
        ET.SubElement(query, "{jabber:iq:gateway}prompt").text = c["name"]
        answer = await iq.send(timeout=30)
        return answer.xml.findtext(".//{jabber:iq:gateway}jid")


if __name__ == "__main__":
    args = [a for a in sys.argv[1:] if a != "--quiet"]
    if len(args) != 4:
        sys.exit(__doc__)
    alice.Alice = Commander
    asyncio.get_event_loop_policy().get_event_loop().run_until_complete(
        alice.main(*args, quiet="--quiet" in sys.argv))
