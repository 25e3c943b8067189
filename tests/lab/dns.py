"""One enclave's DNS: where its own domains live, and where the other side's domains seem to live."""

from lab.enclaves import C2S_PORT, C2S_TLS_PORT, S2S_PORT
from lab.process import Process


class Resolver:
    """dnsmasq at the enclave's resolver address. `view` says for each domain at which addresses it is found."""

    def __init__(self, enclave, view, folder):
        self.enclave = enclave
        self.folder = folder
        self.view = view
        self.process = None

    def start(self):
        lines = ["no-resolv", "no-hosts", "no-daemon", "bind-interfaces", "user=root", "port=53", "local=/test/", "log-queries",
                 "log-facility=-", "cache-size=0", "local-ttl=1", f"listen-address={self.enclave.resolver()}"]
        for domain, addresses in self.view.items():
            host = f"host.{domain}"
            lines += [f"host-record={host},{address}" for address in addresses]
            lines.append(f"srv-host=_xmpp-server._tcp.{domain},{host},{S2S_PORT},5,10")
            lines.append(f"srv-host=_xmpp-client._tcp.{domain},{host},{C2S_PORT},5,10")
            lines.append(f"srv-host=_xmpps-client._tcp.{domain},{host},{C2S_TLS_PORT},1,10")  # first, for who looks for it
        configuration = self.folder / f"dnsmasq-{self.enclave.name}.conf"
        configuration.write_text("\n".join(lines) + "\n")
        self.process = Process(f"dns-{self.enclave.name}", ["dnsmasq", f"--conf-file={configuration}"], self.folder)
        self.process.wait_for("started, version", 10)

    def stop(self):
        if self.process:
            self.process.stop()
