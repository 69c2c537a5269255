/** File descriptors of the service manager begin here (sd_listen_fds(3)). */
const firstFd = 3

/**
 * The listening socket that systemd hands over (`FileDescriptorName=fail2ban`, else the first), if there is one (sd_listen_fds(3)). The
 * variables are taken out of the environment, so that no child believes they are meant for it.
 */
export function inheritedSocket(env: NodeJS.ProcessEnv, pid: number): number | undefined {
  const { LISTEN_PID: meant, LISTEN_FDS: count, LISTEN_FDNAMES: names = '' } = env
  delete env.LISTEN_PID
  delete env.LISTEN_FDS
  delete env.LISTEN_FDNAMES
  if (meant !== String(pid) || !(Number(count) > 0)) return undefined
  return firstFd + Math.max(0, names.split(':').slice(0, Number(count)).indexOf('fail2ban'))
}
