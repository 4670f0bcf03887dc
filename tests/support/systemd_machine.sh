# Becomes systemd as the first process of a machine of its own, for tests/support/systemd_lab.py:
#
#   unshare --mount sh systemd_machine.sh prepare GROUP ROOT SHARED
#
# GROUP: a name in the control groups' tree, ROOT: an empty directory, SHARED: a directory that the
# machine has at the same path. /usr is the real one, only to read; all else is in memory and goes with
# it. Units are those of SHARED/units alone, so that nothing of the real machine is started. What the
# machine says is on standard error. `clean GROUP ROOT` in the place of `prepare ...` removes what is left.
set -eu

what=$1 group=$2 root=$3
if [ "$what" != start ]; then
  mount -t cgroup2 cgroup2 "$root"  # in a namespace of ours
fi
case $what in
prepare)
  mkdir "$root/$group"
  echo $$ > "$root/$group/cgroup.procs"
  shift
  # From now on that group is the tree's root, and the next process the first one.
  exec unshare --pid --fork --kill-child --mount --uts --ipc --cgroup sh "$0" start "$@"
  ;;
clean)
  [ ! -d "$root/$group" ] || find "$root/$group" -depth -type d -exec rmdir {} +
  exit
  ;;
start) shared=$4 ;;
*) exit 2 ;;
esac

mount -t tmpfs -o mode=755 tmpfs "$root"
cd "$root"
mkdir proc sys dev run tmp usr etc var root old
chmod 1777 tmp
mount --bind /usr usr
mount -o remount,bind,ro usr
for name in bin sbin lib lib64; do
  if [ -L "/$name" ]; then
    ln -s "usr/$name" "$name"
  elif [ -d "/$name" ]; then
    mkdir "$name"
    mount --bind "/$name" "$name"
    mount -o remount,bind,ro "$name"
  fi
done
cp /etc/passwd /etc/group etc/
: > etc/machine-id
mkdir etc/systemd
cat > etc/systemd/system.conf << END
[Manager]
LogTarget=kmsg
LogLevel=${MACHINE_LOG:-notice}
ShowStatus=no
END
mkdir -p "./$shared"
mount --bind "$shared" "./$shared"
mount -t proc proc proc
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys  # the first process would set limits of the whole machine
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=755 tmpfs dev
for name in null zero full random urandom tty; do
  : > "dev/$name"
  mount --bind "/dev/$name" "dev/$name"
done
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=0620 devpts dev/pts
ln -s pts/ptmx dev/ptmx
mkfifo dev/kmsg
cat dev/kmsg <> dev/kmsg >&2 &
pivot_root . old
umount -l /old
rmdir /old
exec env -i PATH=/usr/sbin:/usr/bin container=gwtool-test SYSTEMD_UNIT_PATH="$shared/units" \
  /usr/lib/systemd/systemd --unit=multi-user.target < /dev/null
