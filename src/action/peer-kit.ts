import { runChild } from '../lib/child.js'

/** What happens to a jail: told to our actions and to those of an installed Fail2ban. */
export type JailEvent =
  | { do: 'start' }
  | { do: 'flush' }
  | { do: 'stop' }
  | { do: 'ban'; ban: PeerBan }
  | { do: 'unban'; id: string }
  | { do: 'prolong'; id: string; seconds: number }
  | { do: 'repeat'; id: string; lateS: number; nowS: number }
  | { do: 'reload'; actions: readonly PeerAction[] }

export interface PeerBan {
  id: string
  timeS: number
  seconds: number
  count: number
  failures: number
  restored: boolean
  lines: readonly string[]
  data: Readonly<Record<string, string>>
}

export interface PeerAction {
  name: string
  properties: readonly (readonly [string, string | boolean])[]
}

export interface PeerCase {
  actions: readonly PeerAction[]
  events: readonly JailEvent[]
  /** Numbers of the commands that fail, the first is 0. Those that begin with `reload-` never do: there Fail2ban would stop reloading. */
  failing: readonly number[]
}

/** Commands that were run: the script and its arguments; lines of the log; `raised` where Fail2ban gave up in the middle. */
export type Trace = readonly (readonly string[])[]

export const peerNowS = 1795225881.25

/** Runs the cases with Fail2ban's own code; its commands are recorded and not executed. */
export async function peerTraces(cases: readonly PeerCase[]): Promise<Trace[]> {
  return (await askPeer('print(json.dumps([play(case) for case in json.load(sys.stdin)]))', cases)) as Trace[]
}

/** Every action file of the package as its client would send it, for a jail with these options. */
export async function stockActions(jails: readonly PeerJail[]): Promise<StockAction[]> {
  return (await askPeer('print(json.dumps(stock_actions(json.load(sys.stdin))))', jails)) as StockAction[]
}

export interface PeerJail {
  name: string
  options: Readonly<Record<string, string>>
}

export interface StockAction extends PeerAction {
  file: string
  jail: string
}

async function askPeer(question: string, input: unknown): Promise<unknown> {
  const { exitCode, stdout, stderr } = await runChild(['/usr/bin/python3', '-c', prelude + question], {
    stdin: JSON.stringify(input),
    timeoutMs: 60_000,
    outputBytesMax: 1 << 27,
  })
  if (exitCode !== 0) throw new Error(`the peer failed: ${stderr}`)
  return JSON.parse(stdout)
}

const prelude = `
import glob, json, logging, os, sys
import fail2ban.server.action
from fail2ban.client.actionreader import ActionReader
from fail2ban.server.action import CommandAction
from fail2ban.server.ipdns import DNSUtils, IPAddr
from fail2ban.server.jail import Jail
from fail2ban.server.mytime import MyTime
from fail2ban.server.ticket import FailTicket

fail2ban.server.action.allowed_ipv6 = lambda: True
DNSUtils.ipToName = staticmethod(lambda ip: "host.example" if set(ip) & set(".:") and "/" not in ip else None)
DNSUtils.getHostname = staticmethod(lambda fqdn=True: "gate.example.org" if fqdn else "gate")
trace, failing, count = [], set(), 0

def record(command, timeout=60, **_):
    global count
    if not command:
        return True
    trace.append(["run"] + (command if isinstance(command, list) else [command]))
    count += 1
    return count - 1 not in failing or trace[-1][1].startswith("reload-")

CommandAction.executeCmd = staticmethod(record)

class Recorder(logging.Handler):
    def emit(self, entry):
        trace.append(["log", entry.levelname, entry.name.rpartition(".")[2], entry.getMessage()])

logging.getLogger("fail2ban").handlers = [Recorder()]
logging.getLogger("fail2ban").setLevel(logging.INFO)
logging.getLogger("fail2ban").propagate = False

def ticket_of(ban):
    data = dict(ban["data"], failures=ban["failures"])
    if "ip" in data:
        data["ip"] = IPAddr(data["ip"])
    time = int(ban["timeS"]) if ban["restored"] else float(ban["timeS"])
    ticket = FailTicket(ban["id"], time, list(ban["lines"]), data)
    ticket.setBanTime(ban["seconds"])
    ticket.setBanCount(ban["count"] - 1)
    ticket.restored = ban["restored"]
    return ticket

def fill(action, properties):
    for name, value in properties:
        setattr(action, name, value)

def play(case):
    global count
    trace.clear(); failing.clear(); failing.update(case["failing"]); count = 0
    MyTime.setTime(${peerNowS})
    jail = Jail("jail", "polling")
    actions = jail.actions
    trace.clear()
    for action in case["actions"]:
        actions.add(action["name"])
        fill(actions[action["name"]], action["properties"])
    for event in case["events"]:
        try:
            happen(actions, event)
        except RuntimeError:
            trace.append(["raised"])
            break
    return list(trace)

def happen(actions, event):
    what = event["do"]
    bans = actions.banManager._BanManager__banList
    if what == "start":
        for name in actions:
            try:
                actions[name].start()
            except Exception as e:
                trace.append(["log", "ERROR", "actions", "Failed to start jail 'jail' action '%s': %s" % (name, e)])
    elif what == "ban":
        actions._Actions__checkBan([ticket_of(event["ban"])])
    elif what == "unban":
        actions._Actions__unBan(actions.banManager.getTicketByID(event["id"]))
    elif what == "prolong":
        ticket = bans[IPAddr(event["id"])]
        ticket.setBanTime(event["seconds"])
        actions._prolongBan(ticket)
    elif what == "repeat":
        MyTime.setTime(event["nowS"])
        old = bans[IPAddr(event["id"])]
        ticket = FailTicket(event["id"], old.getTime() + event["lateS"])
        ticket.setBanTime(old.getBanTime() - event["lateS"])
        actions._Actions__checkBan([ticket])
        MyTime.setTime(${peerNowS})
    elif what == "flush":
        actions._Actions__flushBan()
    elif what == "stop":
        actions._Actions__flushBan(stop=True)
        actions.stopActions()
    elif what == "reload":
        actions.reload(begin=True)
        for action in event["actions"]:
            actions.add(action["name"], reload=True)
            fill(actions[action["name"]], action["properties"])
        actions.reload(begin=False)

def stock_actions(jails):
    found = []
    for path in sorted(glob.glob("/etc/fail2ban/action.d/*.conf")):
        file = os.path.basename(path)[:-5]
        for jail in jails:
            reader = ActionReader(file, jail["name"], dict(jail["options"]), basedir="/etc/fail2ban")
            reader.read()
            reader.getOptions({})
            if not reader.options:
                continue
            for command in reader.convert():
                if "action" in command[:3]:
                    given = command[4] if command[0] == "multi-set" else [[command[4], command[5]]]
                    found.append({"file": file, "jail": jail["name"], "name": command[3], "properties": [[k, v] for k, v in given if v is not None]})
    return found

`

/** Why Fail2ban cannot be asked here; undefined: it can. */
export const noPeer: string | undefined = await askPeer('print("1")', []).then(
  () => undefined,
  () => 'needs /usr/bin/python3 with the fail2ban package',
)
