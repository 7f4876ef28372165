#!/bin/bash
# Installs, upgrades, removes and purges the package, on the Debian that has just booted around it: TestDeb of package packaging.
# $1 and $2 are two versions of the package.
set -euxo pipefail
export DEBIAN_FRONTEND=noninteractive LF_HOME=/var/lib/lf
old=$1 new=$2

as_lf() { runuser -u lf -- "$@"; }
install() { apt-get install -y --no-install-recommends "$@"; }
version() { dpkg-deb -f "$1" Version; }
running() { # running VERSION: waits until the node says that it is that version
	until as_lf lf status --json | grep -F "\"version\": \"v$1\""; do sleep 0.2; done
}

: "the node runs once it is installed, as a user of its own; the proxy does not"
install "$old"
[ "$(systemctl is-active lf)" = active ]
[ "$(systemctl is-enabled lf)" = enabled ]
[ "$(systemctl is-enabled lf-proxy || true)" = disabled ]
[ "$(stat -c %U:%G:%a $LF_HOME)" = lf:lf:700 ]
[ "$(ps -o user= -p "$(systemctl show -P MainPID lf)" 2>/dev/null || stat -c %U "/proc/$(systemctl show -P MainPID lf)")" = lf ]
running "$(version "$old")"
runuser -u nobody -- env LF_HOME=/nonexistent lf --api http://127.0.0.1:9980 status

: "everything else is where it belongs"
[ -e /usr/share/man/man1/lf-dns-set.1.gz ]
[ -e /usr/share/man/man7/lf-policy.7.gz ]
bash -n /usr/share/bash-completion/completions/lf
grep -q 'Mozilla Public License' /usr/share/doc/lf/copyright
grep -q libp2p /usr/share/doc/lf/copyright

: "what is written stays through a change of the configuration, an upgrade, and a removal"
as_lf lf owner new me
key=$(find $LF_HOME/owners -type f -name '*.pem' | head -n 1)
cp "$key" /root/key
as_lf lf set horse#0 'Bad Horse'
sed -i 's/^LF_NODE_FLAGS=.*/LF_NODE_FLAGS="--profile server"/' /etc/default/lf
systemctl restart lf
as_lf lf status --json | grep -F '"profile": "server"'
before=$(systemctl show -P MainPID lf)
install "$new"
running "$(version "$new")"
[ "$(systemctl show -P MainPID lf)" != "$before" ]
grep -q 'profile server' /etc/default/lf
[ "$(as_lf lf get --raw horse)" = 'Bad Horse' ]

apt-get remove -y lf
[ "$(systemctl is-active lf)" != active ]
[ ! -e /usr/bin/lf ]
[ -e /etc/default/lf ]
[ -d $LF_HOME/owners ]
install "$new"
[ "$(systemctl is-active lf)" = active ]
[ "$(as_lf lf get --raw horse)" = 'Bad Horse' ]

: "a node that was stopped or disabled is not started by an upgrade"
systemctl disable --now lf
install --reinstall "$new"
[ "$(systemctl is-active lf)" = inactive ]
[ "$(systemctl is-enabled lf || true)" = disabled ]
systemctl enable --now lf
running "$(version "$new")"

: "a purge leaves nothing but the keys that cannot be had again"
apt-get purge -y lf
[ ! -e $LF_HOME ]
[ ! -e /etc/default/lf ]
[ -z "$(find /etc/systemd /usr/lib/systemd /var/lib/systemd -name 'lf*')" ]
kept=$(echo /var/backups/lf-owners.*)
[ "$(stat -c %U:%a "$kept")" = root:700 ]
cmp /root/key "$kept/${key##*/}"
