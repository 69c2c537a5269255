import { Bans } from '../bans/bans.js'
import { Confirmations } from '../bans/confirmations.js'
import { HeldBack } from '../bans/held-back.js'
import { type Login, Sessions } from '../bans/sessions.js'
import type { Config } from '../config/load.js'
import type { SettingsOverrides } from '../config/server-options.js'
import type { Problem } from '../domain/origin.js'
import { chooseEnforcer } from '../firewall/choose.js'
import type { Clock } from '../lib/clock.js'
import { openStore } from '../store/store.js'
import { ActionShop } from './action-shop.js'
import { AddressLists } from './address-lists.js'
import { Auditing } from './auditing.js'
import { BanEvents } from './ban-events.js'
import { Cutting } from './cutting.js'
import { ToldBans } from './fleet/told-bans.js'
import { Followers } from './followers.js'
import { HostNames } from './host-names.js'
import { hasAny } from './jail-actions.js'
import { JailDrops } from './jail-drops.js'
import { type BuildContext, buildJail, type JailUnit } from './jails.js'
import { Names } from './names.js'
import { liftNewlyProtected } from './newly-protected.js'
import { Notifying } from './notifying.js'
import { logFileOf, type Paths } from './paths.js'
import { Pipeline } from './pipeline.js'
import { Positions } from './positions.js'
import { budgetOf, Protected } from './protected.js'
import { Soon } from './soon.js'
import { manualScope, type State, scopesOf } from './state.js'
import type { SwitchableLog } from './switchable-log.js'

export interface AssembleOptions {
  config: Config
  paths: Paths
  clock: Clock
  log: SwitchableLog
  simulate: boolean
  isVerbose: boolean
  overrides: SettingsOverrides
}

/** Introduces the rooms to one another. Opens the store and the enforcer; reads no log and bans nobody yet. */
export async function assemble(options: AssembleOptions): Promise<State> {
  const { config, paths, clock, log, simulate, isVerbose, overrides } = options
  const store = openStore({ file: paths.database, clock, log, matchesMax: () => state.config.server.dbmaxmatches })
  const { by, hook, interfaces, simulate: isPretended } = config.own.enforcement
  const { enforcer, reason } = await chooseEnforcer({
    clock,
    simulate: simulate || isPretended,
    by,
    ingress: hook === 'ingress' ? interfaces : [],
    say: (sentence) => log.write('WARNING', 'firewall', sentence),
  })
  const jails = new Map<string, JailUnit>()
  const logins = new Soon<Login>({ clock, log, what: 'logins', save: (seen) => store.logins.add(seen, clock.now()) })
  const sessions = new Sessions(clock, {
    accepted: store.logins.current(clock.now()),
    onAccepted: (login) => {
      logins.put(login.address, login)
      guards.protection.lookAgain()
    },
  })
  const names = new Names(clock, log)
  const lists = new AddressLists(clock, log)
  const guards = new Protected({
    clock,
    settings: () => state.config.own.protect,
    jails,
    sessions,
    names,
    lists,
    onAppeared: (appeared) => liftNewlyProtected(appeared, { bans, history: store.bans, log }),
  })
  const { protection } = guards
  const notifying = new Notifying(clock, log)
  notifying.use(config.own)
  log.onError = (text) => notifying.trouble(text)
  const scopeOf = (jail: string) =>
    jail === manualScope.jail && !jails.has(jail) ? manualScope : jails.get(jail)?.scope
  const isCutting = () => state.config.own.enforcement.cut
  const cutting = await Cutting.open({ clock, log, enforcer, scopeOf, isOn: isCutting })
  const events = new BanEvents({
    clock,
    jails,
    enact: (ban) => bans.enact(ban),
    lift: (id, jail) => bans.lift(id, jail),
    judge: (unit, failure) => pipeline.judge(unit, failure),
    notifying,
    cut: (ban) => cutting.banned(ban),
  })
  const heldBack = new HeldBack({ clock, log, limits: () => budgetOf(state.config.own) })
  const bans = new Bans({
    clock,
    log,
    enforcer,
    store: new ToldBans(store.bans, () => state.fleet),
    protection: (ip, jail) => protection.reasonAgainst(ip, jail),
    holdBack: (ban, ip) => heldBack.against(ban, ip),
    isElsewhere: (jail) => jails.get(jail)?.config.source.kind === 'fleet',
    actions: events,
    isInKernel: (jail) => scopeOf(jail) !== undefined,
    mayBanText: (jail) => {
      const unit = jails.get(jail)
      return unit !== undefined && hasAny(unit.parts)
    },
    lengthen: (ban) => jails.get(ban.jail)?.jail.lengthen(ban),
  })
  const pipeline = new Pipeline({
    clock,
    log,
    sessions,
    bans,
    hostNames: new HostNames(clock, log),
    fleet: () => state.fleet,
  })
  const positions = new Positions({ clock, log, store: store.positions })
  const ownLog = logFileOf(paths)
  const followers = new Followers({
    clock,
    log,
    pipeline,
    storedPosition: (jail, path) => positions.get(jail, path),
    onPosition: (jail, path, position) => positions.moved(jail, path, position),
    // Somebody who is not root has our log elsewhere; the jail that reads it is meant to find it.
    realPath: (path) => (ownLog !== undefined && path === config.server.logtarget ? ownLog : path),
  })
  const startedMs = clock.now()
  const state: State = {
    clock,
    log,
    isVerbose,
    paths,
    startedMs,
    store,
    enforcer,
    enforcerReason: reason,
    sessions,
    logins,
    guards,
    protection,
    names,
    lists,
    bans,
    auditing: new Auditing({
      clock,
      log,
      enforcer,
      bans,
      jails: () => new Set(scopesOf(jails).map(({ jail }) => jail)),
      everyMs: () => state.config.own.enforcement.audit,
    }),
    drops: new JailDrops(enforcer),
    heldBack,
    confirmations: new Confirmations(clock, log),
    cutting,
    positions,
    followers,
    jails,
    actionShop: await ActionShop.open({ clock, log }),
    notifying,
    fleet: undefined,
    overrides,
    config,
  }
  guards.watch()
  return state
}

/** What a jail is built with in the running daemon. */
export function contextOf(state: State): BuildContext {
  return {
    ignoreip: state.config.own.protect.ignoreip.map((word) => word.value),
    isNative: state.config.own.enforcement.native,
    dropLog: state.config.own.enforcement.log,
    clock: state.clock,
    log: state.log,
    resolve: (name) => state.names.get(name),
    readList: (path) => state.lists.entries(path),
    isOwn: (id) => state.protection.isOwn(id),
    // Who only wants to see what would happen does not want commands to run either.
    ...(state.enforcer.kind !== 'simulate' && {
      actionsOf: (jail, parts) => state.actionShop.actionsOf(jail, parts, () => state),
    }),
    history: state.store.bans,
  }
}

/** Builds all jails of a configuration; a jail that cannot run is left out and its problems are returned. */
export function buildJails(config: Config, state: State): { units: JailUnit[]; problems: Problem[] } {
  const context = contextOf({ ...state, config })
  const units: JailUnit[] = []
  const problems: Problem[] = []
  for (const jail of config.jails) {
    const built = buildJail(jail, context)
    if ('unit' in built) units.push(built.unit)
    else problems.push(...built.problems)
  }
  return { units, problems }
}
