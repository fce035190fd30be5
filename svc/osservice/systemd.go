package osservice

// systemdUnit runs the service as an account that exists only while it runs, in a system that it cannot change.
//
// A socket of its API belongs into the folder below /run, which others can enter.
//
// The identity is handed over when it is there: without SetCredential, which is taken in its place, a missing file would keep
// the service from starting. AF_NETLINK lists the addresses of this machine. Restarts are not limited, whatever the exit code:
// a crash ends with 2, as a wrong setting does, and what is down for a while is to come back without anybody.
const systemdUnit = `# Made by ` + "`wamux install`" + `. Changes belong into a file of your own: systemctl edit ${NAME}
[Unit]
Description=wamux, a WhatsApp gateway
Wants=network-online.target
After=network-online.target
StartLimitIntervalSec=0

[Service]
Type=notify
ExecStart=${BINARY} run
EnvironmentFile=-${SETTINGS}
WorkingDirectory=${DATA}
WatchdogSec=60s
Restart=always
RestartSec=2s
TimeoutStopSec=60s

DynamicUser=yes
User=${ACCOUNT}
StateDirectory=${NAME}
StateDirectoryMode=0700
RuntimeDirectory=${NAME}
RuntimeDirectoryMode=0755
UMask=0077
LoadCredential=age-identity:${IDENTITY}
SetCredential=age-identity:${NONE}
LoadCredential=tls-cert:${CERTIFICATE}
LoadCredential=tls-key:${KEY}
LimitNOFILE=65536
LimitCORE=0

CapabilityBoundingSet=
AmbientCapabilities=
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
ReadWritePaths=${WRITABLE}
PrivateTmp=yes
PrivateDevices=yes
PrivateUsers=yes
PrivateIPC=yes
PrivateMounts=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
ProtectProc=invisible
ProcSubset=pid
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RemoveIPC=yes
KeyringMode=private
LockPersonality=yes
MemoryDenyWriteExecute=yes
DevicePolicy=closed
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM

[Install]
WantedBy=multi-user.target
`

// systemdUserUnit has of that what a user's own systemd can do on every system.
const systemdUserUnit = `# Made by ` + "`wamux install --user`" + `. Changes belong into a file of your own: systemctl --user edit ${NAME}
[Unit]
Description=wamux, a WhatsApp gateway
StartLimitIntervalSec=0

[Service]
Type=notify
ExecStart=${BINARY} run
EnvironmentFile=-${SETTINGS}
WorkingDirectory=${DATA}
WatchdogSec=60s
Restart=always
RestartSec=2s
TimeoutStopSec=60s
UMask=0077
LimitCORE=0
NoNewPrivileges=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM

[Install]
WantedBy=default.target
`
