/** Our own version; `package.json` carries the same, and a test holds them together. */
export const version = '0.1.0'

/** The Fail2ban level whose configuration, clients and database we are compatible with. */
export const fail2banLevel = '1.1.1'
