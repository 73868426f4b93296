#!/bin/sh
# Makes a board of a fresh Debian: read by `sh -s` inside it, as root. Takes the public key that root and operator log in with,
# operator's password, and the address of the card that logins come through.
set -eu
login_key=$1 operator_password=$2 card=$3

useradd --create-home --gid operator --shell /bin/bash operator
echo "operator:$operator_password" | chpasswd
for home in /root /home/operator; do
  mkdir -p "$home/.ssh"
  echo "$login_key" >"$home/.ssh/authorized_keys"
  chmod 700 "$home/.ssh"
done
chown -R operator:operator /home/operator/.ssh
echo 'operator ALL=(ALL) ALL' >/etc/sudoers.d/operator
echo 'permit nopass operator' >/etc/doas.conf
chmod 440 /etc/sudoers.d/operator
chmod 400 /etc/doas.conf

rm -f /etc/ssh/ssh_host_*
echo debian >/etc/hostname
echo '127.0.0.1 localhost debian' >/etc/hosts
: >/etc/machine-id

cat >/etc/systemd/network/session.network <<END
[Match]
MACAddress=$card
[Network]
Address=10.0.2.15/24
Gateway=10.0.2.2
LinkLocalAddressing=no
IPv6AcceptRA=no
END

# One service for each session, as other systems and older Debians have it: systemd ends all that is left in its control group.
mkdir -p /etc/systemd/system/ssh.socket.d
printf '[Socket]\nAccept=yes\n' >/etc/systemd/system/ssh.socket.d/accept.conf
cat >/etc/systemd/system/ssh@.service <<'END'
[Unit]
Description=An SSH session
[Service]
ExecStart=-/usr/sbin/sshd -i
StandardInput=socket
RuntimeDirectory=sshd
RuntimeDirectoryPreserve=yes
END

cat >/etc/systemd/system/board-ready.service <<'END'
[Unit]
Description=Says on the console that everything is up
Wants=network-online.target
After=multi-user.target network-online.target ssh.socket
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'dmesg -n 1; echo "devbind-board: ready" >/dev/console; dmesg -n 4'
[Install]
WantedBy=graphical.target
END

systemctl disable ssh.service
systemctl enable ssh.socket systemd-networkd.service board-ready.service
# What would only take time, or wake up when the clock of a restored machine is set.
systemctl mask apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer fstrim.timer e2scrub_all.timer e2scrub_reap.service \
  serial-getty@ttyS0.service getty@tty1.service
