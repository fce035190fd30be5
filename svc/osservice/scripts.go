package osservice

const openRCScript = `#!/sbin/openrc-run
# Made by ` + "`wamux install`" + `. Changes belong into /etc/conf.d/${NAME}.

description="wamux, a WhatsApp gateway"
supervisor=supervise-daemon
command="${BINARY}"
command_args="run"
command_user="${ACCOUNT}:${ACCOUNT}"
directory="${DATA}"
umask=0077
respawn_delay=2
respawn_max=0
retry="TERM/60/KILL/5"
rc_ulimit="-c 0 -n 65536"
export ${VARIABLE}="${SETTINGS}"

depend() {
	need localmount
	use net dns logger
	after firewall ntp-client ntpd chronyd
}

start_pre() {
	checkpath --directory --mode 0700 --owner "${ACCOUNT}:${ACCOUNT}" "${DATA}"
	checkpath --directory --mode 0755 --owner "${ACCOUNT}:${ACCOUNT}" "/run/${NAME}"
}
`

// sysVScript has a supervisor of its own, since init scripts have none: a shell, under the account of the service.
const sysVScript = `#!/bin/sh
### BEGIN INIT INFO
# Provides:          ${NAME}
# Required-Start:    $local_fs $remote_fs $network
# Required-Stop:     $local_fs $remote_fs $network
# Should-Start:      $named $time
# Default-Start:     2 3 4 5
# Default-Stop:      0 1 6
# Short-Description: wamux, a WhatsApp gateway
### END INIT INFO
# Made by ` + "`wamux install`" + `. Settings belong into ${SETTINGS}.

pidfile=/run/${NAME}.pid
keeper='trap "ended=1; kill -TERM \$child" TERM
ended=
until [ "$ended" ]; do
	${BINARY} run & child=$!
	wait $child
	[ "$ended" ] && wait $child
	[ "$ended" ] || { sleep 2 & child=$!; wait $child; }
done'

case "$1" in
start)
	mkdir -p ${DATA} && chown ${ACCOUNT}:${ACCOUNT} ${DATA} && chmod 0700 ${DATA} || exit 1
	mkdir -p /run/${NAME} && chown ${ACCOUNT}:${ACCOUNT} /run/${NAME} && chmod 0755 /run/${NAME} || exit 1
	ulimit -c 0
	ulimit -n 65536 2>/dev/null
	export ${VARIABLE}=${SETTINGS}
	start-stop-daemon --start --oknodo --quiet --pidfile $pidfile --make-pidfile --background --chuid ${ACCOUNT}:${ACCOUNT} \
		--chdir ${DATA} --umask 077 --startas /bin/sh -- -c "$keeper"
	;;
stop)
	start-stop-daemon --stop --oknodo --quiet --retry TERM/60/KILL/5 --pidfile $pidfile --remove-pidfile
	;;
restart|force-reload)
	"$0" stop && "$0" start
	;;
status)
	start-stop-daemon --status --pidfile $pidfile
	;;
*)
	echo "usage: $0 start|stop|restart|status" >&2
	exit 2
	;;
esac
`

// launchdPlist says 63 for the umask 0077: there are only decimal numbers in it.
const launchdPlist = `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<!-- Made by ` + "`wamux install`" + `. Settings belong into ${SETTINGS}. -->
<plist version="1.0">
<dict>
	<key>Label</key><string>${NAME}</string>
	<key>ProgramArguments</key><array><string>${BINARY}</string><string>run</string></array>
	<key>WorkingDirectory</key><string>${DATA}</string>
	<key>EnvironmentVariables</key><dict><key>${VARIABLE}</key><string>${SETTINGS}</string></dict>
	<key>UserName</key><string>${ACCOUNT}</string>
	<key>RunAtLoad</key><true/>
	<key>KeepAlive</key><true/>
	<key>ThrottleInterval</key><integer>2</integer>
	<key>ExitTimeOut</key><integer>60</integer>
	<key>Umask</key><integer>63</integer>
	<key>SoftResourceLimits</key><dict><key>Core</key><integer>0</integer><key>NumberOfFiles</key><integer>65536</integer></dict>
	<key>HardResourceLimits</key><dict><key>Core</key><integer>0</integer><key>NumberOfFiles</key><integer>65536</integer></dict>
</dict>
</plist>
`
