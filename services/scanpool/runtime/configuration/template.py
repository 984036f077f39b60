"""The file that `scanpool init` writes."""

TEMPLATE = """\
# scanpool: pools of scanners, the rules for scans on them, and credentials.
# Check it with `scanpool config check`; a running process reads it again when it changes.
#
# ${NAME} and ${NAME:-default} are filled in from the environment; write $${ for a literal ${.
# A secret is given as {file: PATH} (mode 600), {env: NAME} or ${NAME}, best not in this file itself.

# Where a scan goes that names no pool.
default_pool: internal

pools:
  internal:
    description: The office and data centre networks

    # What may be scanned: networks, addresses, ranges, hostname patterns. Without it, everything.
    allow: [10.0.0.0/8, "*.corp.example"]

    # What is never scanned; `until` is the last day (UTC) on which an exclusion holds.
    # exclude:
    #   - {target: 10.9.0.0/16, until: 2027-01-31, reason: frozen by the change board}

    # The scanner's template for each scan type, by name. The default is `advanced`.
    # templates: {untrusted: basic, authenticated: advanced, authenticated_privileged: advanced}

    scanners:
      - instance_id: scanner1
        # name: The scanner in rack 7
        url: https://nessus1.corp.example:8834

        # Sign in with API keys, or with username and password instead.
        access_key: ${NESSUS1_ACCESS_KEY}
        secret_key: ${NESSUS1_SECRET_KEY}

        # The most scans of ours on it at once (1 to 1000).
        max_concurrent_scans: 2

        # enabled: false

        # The scanner's certificate is verified. Of a private authority give its bundle,
        # of a self-signed certificate its fingerprint:
        #   openssl s_client -connect HOST:8834 </dev/null | openssl x509 -noout -fingerprint -sha256
        # tls: {ca_bundle: ca.pem}
        # tls: {fingerprint: "AB:CD:..."}

# What scans log in to hosts with; a request names one by its id in `credential_ref`.
# credentials:
#   - id: linux-audit
#     label: Audit account on Linux
#     kind: ssh_key                # ssh_password, ssh_key or windows
#     username: audit
#     private_key: {file: /etc/scanpool/linux_audit}
#     escalation: {method: sudo, account: root}
#     pools: [internal]

# What clients of the MCP bridge may do, by the subject of their identity; what no entry allows is denied.
# clients:
#   - subject: local               # who comes over the bridge of `scanpool up`, or over stdio, without a token
#     pools: [internal]
#     networks: [10.20.0.0/16]
#   - subject: triage-agent        # or a glob, as "agent-*"
#     pools: [internal]
#     networks: [10.20.0.0/16, "*.lab.corp.example"]
#     exclude: [10.20.9.0/24]
#     credentials: []              # ids of those that it may name
#     intensity: safe              # the most that it may ask for; or: intrusive
#     max_hosts: 256               # addresses in one scan
#     confirm_above_hosts: 64      # a person confirms scans of more, and intrusive ones
#     max_concurrent: 4            # scans that are not over yet
#     scans_per_hour: 20

# What no client of the bridge may have scanned: NATS, the bridge. The scanners above are protected by themselves.
# protected: [nats.corp.example, 10.0.0.5]
"""
