"""A computer on the LAN that speaks multicast DNS by Debian's python3-zeroconf.

    zeroconf_peer.py look
        prints a line of JSON for each instance of _presence._tcp that comes, changes
        or goes: ev, instance, server, port, addresses, txt (as hex, key=value)
    zeroconf_peer.py claim INSTANCE HOST ADDRESS PORT [look]
        publishes an instance as an ordinary application does, which does not pick
        another name when it is told that this one is taken; with look it has looked
        around before. Prints ev claimed or taken, and stays until its input ends.
"""
import json
import socket
import sys
import time

from zeroconf import IPVersion, NonUniqueNameException, ServiceBrowser, ServiceInfo, Zeroconf

TYPE = "_presence._tcp.local."


def say(ev, **more):
    print(json.dumps({"ev": ev, **more}), flush=True)


class Listener:
    def add_service(self, zc, kind, name):
        info = zc.get_service_info(kind, name, 5000)
        if info is None:
            say("unresolved", instance=name[: -len(kind) - 1])
            return
        txt, rest = [], info.text
        while rest:
            n = rest[0]
            txt.append(rest[1 : 1 + n].hex())
            rest = rest[1 + n :]
        say("seen", instance=name[: -len(kind) - 1], server=info.server, port=info.port,
            addresses=info.parsed_scoped_addresses(), txt=txt)

    update_service = add_service

    def remove_service(self, zc, kind, name):
        say("gone", instance=name[: -len(kind) - 1])


def main():
    zc = Zeroconf(ip_version=IPVersion.All)
    if sys.argv[1] == "look" or sys.argv[-1] == "look":
        ServiceBrowser(zc, TYPE, Listener())
    if sys.argv[1] == "claim":
        instance, host, address, port = sys.argv[2:6]
        if sys.argv[-1] == "look":
            time.sleep(3)  # what is there is in its cache
        try:
            zc.register_service(ServiceInfo(TYPE, instance + "." + TYPE, port=int(port), server=host + ".local.",
                                            addresses=[socket.inet_aton(address)], properties={"txtvers": "1"}))
            say("claimed", instance=instance)
        except NonUniqueNameException:
            say("taken", instance=instance)
    sys.stdin.read()
    zc.close()


main()
