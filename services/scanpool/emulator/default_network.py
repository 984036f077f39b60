"""The simulated network that is there when no hosts file is given.

Every address below answers in the same way each time. The first line that covers an address counts.

| addresses | what is there |
| --- | --- |
| `localhost` (127.0.0.1, ::1) | the scanner itself: local checks without any credential |
| 10.10.0.0/24 | Linux; `audit` logs in by password or key and may sudo, su, pbrun, dzdo |
| 10.10.1.0/24 | Linux; `audit` has another password and accepts no key |
| 10.10.2.0/24 | Linux; `audit` logs in but may not gain privileges |
| 10.10.3.0/24 | Windows; `CORP\\svc-audit` is an administrator |
| 10.10.4.0/24 | Windows; `CORP\\svc-audit` has another password |
| 10.10.5.0/24 | Windows; `CORP\\svc-audit` logs in, and reads the registry only in part |
| 10.10.6.0/24 | Windows; `CORP\\svc-audit` logs in and is refused registry and administrative share |
| 10.10.7.0/24 | network devices; `netadmin` logs in, enable password needed for all checks |
| 10.10.8.0/24 | Linux; `audit` logs in, later logins fail at times |
| 10.10.9.0/24 | an appliance; `audit` logs in, no local checks exist for it |
| 10.10.10.0/24 | Linux as in 10.10.0.0/24, with twelve compliance items |
| 10.10.11.0/24 | printers: nothing to log in to |
| 10.10.12.0/24 | Linux; lost during the scan, never ends |
| 10.10.66.6 | Linux as in 10.10.0.0/24 whose banners are hostile text |
| 10.10.99.0/24 | reported as dead |
| rest of 10.10.0.0/16 | silent: left out of the report |
| 192.0.2.1 to .9 | Linux as in 10.10.0.0/24 |
| 192.0.2.10 to .19 | Windows as in 10.10.3.0/24 |
| 192.0.2.20 to .24 | Linux as in 10.10.1.0/24 |
| 192.0.2.25 to .29 | Linux as in 10.10.2.0/24 |
| 192.0.2.30 to .34 | network devices as in 10.10.7.0/24 |
| rest of 192.0.2.0/24 | silent |
| 10/8, 172.16/12, 192.168/16, 198.51.100/24, 203.0.113/24, 2001:db8::/32 | Linux as in 10.10.0.0/24 |
| `web1.lab.example` (10.10.0.1), `dc1.lab.example` (10.10.3.1) | hosts that have a name |
| everything else | silent |

The accounts and passwords are made up, open nothing but these simulated hosts, and are exported for
demonstrations and tests.
"""

from scanpool.emulator.hosts import Account, Escalation, Host, Service

LINUX_ACCOUNT = "audit"
LINUX_PASSWORD = "linux-password-of-the-emulator"  # noqa: S105 - opens simulated hosts only
ROOT_PASSWORD = "root-password-of-the-emulator"  # noqa: S105 - opens simulated hosts only
"""What `su` asks for; sudo, dzdo and pbrun ask for LINUX_PASSWORD."""
WINDOWS_DOMAIN = "CORP"
WINDOWS_ACCOUNT = "svc-audit"
WINDOWS_PASSWORD = "windows-password-of-the-emulator"  # noqa: S105 - opens simulated hosts only
NETWORK_ACCOUNT = "netadmin"
NETWORK_PASSWORD = "network-password-of-the-emulator"  # noqa: S105 - opens simulated hosts only
ENABLE_PASSWORD = "enable-password-of-the-emulator"  # noqa: S105 - opens simulated hosts only
WRONG_PASSWORD = "opens-no-simulated-host"  # noqa: S105 - opens nothing
_OTHER_PASSWORD = "known-to-no-scan"  # noqa: S105 - what the hosts with "another password" have

_GAINS: dict[Escalation, str] = {
    "sudo": LINUX_PASSWORD,
    "su": ROOT_PASSWORD,
    "su+sudo": LINUX_PASSWORD,
    "pbrun": LINUX_PASSWORD,
    "dzdo": LINUX_PASSWORD,
    ".k5login": "",
}
_AUDIT = Account(username=LINUX_ACCOUNT, password=LINUX_PASSWORD, ssh_key=True, escalation=_GAINS)
_AUDIT_WITH_OTHER_PASSWORD = Account(username=LINUX_ACCOUNT, password=_OTHER_PASSWORD)
_AUDIT_WITHOUT_PRIVILEGES = Account(username=LINUX_ACCOUNT, password=LINUX_PASSWORD, ssh_key=True)
_ADMINISTRATOR = Account(username=WINDOWS_ACCOUNT, password=WINDOWS_PASSWORD, domain=WINDOWS_DOMAIN)
_ADMINISTRATOR_WITH_OTHER_PASSWORD = Account(username=WINDOWS_ACCOUNT, password=_OTHER_PASSWORD, domain=WINDOWS_DOMAIN)
_PARTLY_REFUSED = Account(username=WINDOWS_ACCOUNT, password=WINDOWS_PASSWORD, domain=WINDOWS_DOMAIN, rights="limited")
_REFUSED = Account(username=WINDOWS_ACCOUNT, password=WINDOWS_PASSWORD, domain=WINDOWS_DOMAIN, rights="none")
_NETADMIN = Account(username=NETWORK_ACCOUNT, password=NETWORK_PASSWORD, escalation={"Cisco 'enable'": ENABLE_PASSWORD})
_PRINTER = (Service(port=80, name="www"), Service(port=515, name="lpd"), Service(port=9100, name="jetdirect"))


def _linux(address: str) -> Host:
    return Host(address=address, accounts=(_AUDIT,))


def _linux_with_other_password(address: str) -> Host:
    return Host(address=address, accounts=(_AUDIT_WITH_OTHER_PASSWORD,))


def _linux_without_privileges(address: str) -> Host:
    return Host(address=address, accounts=(_AUDIT_WITHOUT_PRIVILEGES,))


def _windows(address: str, account: Account) -> Host:
    return Host(address=address, os="windows", accounts=(account,))


def _device(address: str) -> Host:
    return Host(address=address, os="network", accounts=(_NETADMIN,), findings=4, local_findings=5)


DEFAULT_HOSTS: tuple[Host, ...] = (
    Host(address="127.0.0.1", name="localhost", scanner_itself=True),
    Host(address="::1", scanner_itself=True),
    Host(address="10.10.0.1", name="web1.lab.example", accounts=(_AUDIT,)),
    Host(address="10.10.3.1", name="dc1.lab.example", os="windows", accounts=(_ADMINISTRATOR,)),
    _linux("10.10.0.0/24"),
    _linux_with_other_password("10.10.1.0/24"),
    _linux_without_privileges("10.10.2.0/24"),
    _windows("10.10.3.0/24", _ADMINISTRATOR),
    _windows("10.10.4.0/24", _ADMINISTRATOR_WITH_OTHER_PASSWORD),
    _windows("10.10.5.0/24", _PARTLY_REFUSED),
    _windows("10.10.6.0/24", _REFUSED),
    _device("10.10.7.0/24"),
    Host(address="10.10.8.0/24", accounts=(_AUDIT,), intermittent=True),
    Host(address="10.10.9.0/24", accounts=(_AUDIT,), patch_checks=False),
    Host(address="10.10.10.0/24", accounts=(_AUDIT,), compliance=12),
    Host(address="10.10.11.0/24", services=_PRINTER, findings=4),
    Host(address="10.10.12.0/24", accounts=(_AUDIT,), finishes=False),
    Host(address="10.10.66.6", accounts=(_AUDIT,), hostile=True),
    Host(address="10.10.99.0/24", os="dead"),
    Host(address="10.10.0.0/16", os="silent"),
    _linux("192.0.2.1-192.0.2.9"),
    _windows("192.0.2.10-192.0.2.19", _ADMINISTRATOR),
    _linux_with_other_password("192.0.2.20-192.0.2.24"),
    _linux_without_privileges("192.0.2.25-192.0.2.29"),
    _device("192.0.2.30-192.0.2.34"),
    *(
        _linux(network)
        for network in (
            "10.0.0.0/8",
            "172.16.0.0/12",
            "192.168.0.0/16",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "2001:db8::/32",
        )
    ),
)
