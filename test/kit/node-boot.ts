import { existsSync } from 'node:fs'

/** What a node may write to, a layer of its own over what this machine has there. The rest of /usr it can only read. */
export const layers = ['etc', 'var', 'opt', 'usr/local', 'root']

export interface NodeBoot {
  /** Where the node's layers and its sshd_config are. */
  dir: string
  name: string
  /** Of its network namespace. */
  network: string
  /** With a systemd of its own, which runs nothing but sshd at first; otherwise sshd is all that runs. */
  hasSystemd: boolean
}

/** The command that is the node: when it is killed, everything in it is. */
export function bootCommand({ dir, name, network, hasSystemd }: NodeBoot): string[] {
  const kinds = ['--mount', '--pid', '--fork', '--kill-child', '--mount-proc', ...(hasSystemd ? ['--cgroup'] : [])]
  const enter = hasSystemd ? `${enterGroup(groupOf(name))}; ` : ''
  const inside = [...ownFiles(dir), ...(hasSystemd ? ownSystemd(dir) : [`exec ${sshd(dir)}`])]
  const outer = `set -e; ${enter}exec nsenter --net=${network} unshare ${kinds.join(' ')} sh -c "$0"`
  return ['sh', '-c', outer, inside.join('\n')]
}

/** Run when the node is gone. */
export function cleanUpCommand(name: string): string[] {
  return [
    'sh',
    '-c',
    `for top in ${hierarchies}; do [ ! -d $top/${groupOf(name)} ] || find $top/${groupOf(name)} -depth -type d -exec rmdir {} + || exit 1; done`,
  ]
}

/** systemd has a hierarchy of its own where there are several (cgroups(7)). */
const isUnified = !existsSync('/sys/fs/cgroup/systemd')
const hierarchies = isUnified ? '/sys/fs/cgroup' : '/sys/fs/cgroup/*'

function groupOf(name: string): string {
  return `tocsin-test-${process.pid}-${name}`
}

/** In every hierarchy: systemd mounts those that it finds, and begins where it is in them. */
function enterGroup(group: string): string {
  const cpus = 'for of in cpus mems; do [ ! -f $top/cpuset.$of ] || cat $top/cpuset.$of >$own/cpuset.$of; done'
  const enter = isUnified ? 'true' : cpus
  return `for top in ${hierarchies}; do own=$top/${group}; [ ! -f $top/cgroup.procs ] || { mkdir $own; ${enter}; echo 0 >$own/cgroup.procs; }; done`
}

function ownFiles(dir: string): string[] {
  const overlay = (layer: string) =>
    `mount -t overlay overlay -o lowerdir=/${layer},upperdir=${dir}/upper/${layer},workdir=${dir}/work/${layer} /${layer}`
  return [
    'set -e',
    'mount --make-rprivate /',
    'mount --bind /usr /usr',
    'mount -o remount,bind,ro /usr',
    ...layers.map(overlay),
    'mount -t tmpfs tmpfs /run',
    'mkdir /run/sshd',
    // What this machine has of it is not there.
    'rm -rf /etc/tocsin /opt/tocsin /usr/local/bin/tocsin /var/lib/tocsin /var/lib/fail2ban/* /var/log/*',
    'rm -rf /etc/systemd/system/*',
    'touch /var/log/auth.log',
  ]
}

function sshd(dir: string): string {
  return `/usr/sbin/sshd -D -e -f ${dir}/sshd_config`
}

function ownSystemd(dir: string): string[] {
  const units = '/usr/lib/systemd/system'
  const bare = '[Unit]\\nDefaultDependencies=no\\n'
  const targets = ['sysinit', 'basic', 'multi-user', 'network', 'shutdown']
  return [
    // None of this machine's services.
    `mount -t tmpfs tmpfs ${units}`,
    `mount -t tmpfs tmpfs ${units}-generators`,
    ...targets.map((target) => `printf '${bare}' >${units}/${target}.target`),
    `printf '${bare}Wants=sshd.service\\n' >${units}/node.target`,
    `printf '${bare}[Service]\\nExecStart=${sshd(dir)}\\n' >${units}/sshd.service`,
    'mount -t tmpfs tmpfs /sys/fs/cgroup',
    isUnified
      ? 'mount -t cgroup2 cgroup2 /sys/fs/cgroup'
      : 'mkdir /sys/fs/cgroup/systemd; mount -t cgroup -o none,name=systemd cgroup /sys/fs/cgroup/systemd',
    'container=tocsin exec /lib/systemd/systemd --system --unit=node.target --log-target=console',
  ]
}
