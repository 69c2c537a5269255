/** Names of this machine, for `<fq-hostname>` and `<sh-hostname>`. */
export interface OwnNames {
  full: string
  short: string
}
