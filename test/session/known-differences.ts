/** Commands of the script whose text is not Fail2ban's, and why. */
export const known: ReadonlyMap<string, string> = new Map([
  ['get mail actionproperties record', 'Fail2ban also lists names of its own classes'],
  ['get mail actionmethods record', 'Fail2ban also lists names of its own classes'],
  ['add web polling', 'Fail2ban 1.0.2 fails over an error of its own, 1.1 says what we say'],
  ['add odd nosuchbackend', 'Fail2ban 1.0.2 knows one backend more, which 1.1 has dropped'],
  [
    'echo stale',
    'Fail2ban says "[Errno 111] Connection refused" of a socket that nobody listens on, and we what it says of none',
  ],
  ['get logtarget anew', 'with us the command line still wins after a reload'],
  ['restart', 'ours reads the configuration before it stops anything, so what is said of it comes first'],
  ['set web addaction other DIR/nosuch.py "{}"', 'no program in Python is run here but smtp.py'],
  ['add web', 'Fail2ban 1.0.2 fails over an error of its own, 1.1 says what we say'],
])
