import type { ShapePart } from './stock-action.js'

/**
 * What tells a stock action from a changed one: where in its canonical text the values of its parameters stand, and a hash of the rest.
 */
export interface Fingerprint {
  file: string
  /** Releases of Fail2ban, and `tocsin` for our own. */
  releases: readonly string[]
  /** Where its rules go if nobody says otherwise. */
  chain: string | undefined
  newOnly: boolean
  logs: boolean
  shape: readonly ShapePart[]
  /** Hex. */
  sha256: string
}

/** Written by scripts/stock-fingerprints.mjs: file, releases, chain, remarks, shape, hash. */
const table = `
firewallcmd-allports 1.0.2 INPUT_direct - 63name14blocktype100name69name54name65chain10name64chain10name58name58name69name14blocktype38 5037c88d756ade2604f6f93060b6ccc1461a7be894e6d68bfc342aea32c4a6c7
firewallcmd-ipset 1.0.2 INPUT_direct - 49ipsettime91default-ipsettime62chain6protocol23port36blocktype64chain6protocol23port36blocktype237 f8325dc6b1d24b822ef1110baa64fb3fed235bb7290b8fba54b01d35b3270771
firewallcmd-ipset 1.0.2 INPUT_direct - 144default-ipsettime72chain6protocol23port36blocktype64chain6protocol23port36blocktype278 4fcc0162c451c3e12278d578d9d9465ab52fb6fd6e70f9c33cb419c2fbe545d5
firewallcmd-ipset 1.0.2 INPUT_direct - 49ipsettime91default-ipsettime62chain6protocol36blocktype64chain6protocol36blocktype206 88b1c75c7160e8755f6aa255706c2d2e017190f0857fb7c87a8e574943ef7057
firewallcmd-ipset 1.0.2 INPUT_direct - 144default-ipsettime72chain6protocol36blocktype64chain6protocol36blocktype247 47cf57e6934f3b75c6596d3e6bd63a5598a8e1b8b15e1c57a29959387bedb642
firewallcmd-multiport 1.0.2 INPUT_direct n 63name14blocktype100name69name54name65chain33protocol23port8name64chain33protocol23port8name58name58name69name14blocktype38 9ebbb0e40bf4b9ac8c39e0f9aaaba405c161e66bfa85a9890c81f1c8445dba9a
firewallcmd-new 1.0.2 INPUT_direct n 63name14blocktype99name69name54name65chain27protocol23port8name64chain27protocol23port8name58name58name69name14blocktype38 fffd0d898f1e9784fe1cb973a26c4818907e3e3b0830f976486cabef22e6dd84
firewallcmd-rich-logging 1.0.2 - l 17port145protocol18name9level15rate4rich-blocktype27port148protocol18name9level15rate4rich-blocktype45 f215c79d9bd34f9a78b955d6ea0f7c4987383f95b3326cb53f50694372a6f9d7
firewallcmd-rich-rules 1.0.2 - - 17port145protocol2rich-blocktype27port148protocol2rich-blocktype45 1f86bcb7b15ee077934f86081f1153da6d100331dccde9299cd0484105fb1451
iptables-allports 1.0.2 INPUT - 28name59protocol37chain18name36name33name53name28name35protocol39chain18name39chain18name41protocol37chain18name24name19name31name100 31652f841f688c1572245533cbae53aeeceb41ee1cfccea4b9b862aa872117ec
iptables-allports 1.0.2 INPUT - 28name59protocol37chain19port8name36name33name53name28name35protocol39chain19port8name39chain19port8name41protocol37chain19port8name24name19name31name100 53dbf25e8bbe36b29fb3b2006a060eb8bb4686b3e9f1692baea7806599f28761
iptables-allports 1.0.2 INPUT - 28name59protocol37chain33port8name36name33name53name28name35protocol39chain33port8name39chain33port8name41protocol37chain33port8name24name19name31name100 27771b5991d29293fcd5ceb7b601b8796d87766db3e6de718a24ce1315f6e53a
iptables-ipset-proto4 1.0.2 INPUT - 27name26name39protocol37chain19port24name55name32name29protocol39chain19port24name58chain19port24name60protocol37chain19port24name43name21name30name25name82 fb15d33e41bb94de74ef8c42df89d9ac65dba09e497427d9b42066742a190613
iptables-ipset-proto4 1.0.2 INPUT - 27name26name39protocol37chain33port24name55name32name29protocol39chain33port24name58chain33port24name60protocol37chain33port24name43name21name30name25name82 ff8f6e21d71ffb6fc3f17396aa2eaa16cb6aec56b1edf6370e2b3b18e319ba0e
iptables-ipset-proto4 1.0.2 INPUT - 27name26name39protocol37chain34name55name32name29protocol39chain34name58chain34name60protocol37chain34name43name21name30name25name82 946008332255c349e961d24377ac46ae68af9fea2ab6fa9ef1f6e832ccfddefc
iptables-ipset-proto6-allports 1.0.2 INPUT - 49ipsettime34protocol37chain153default-ipsettime34protocol39chain96chain98protocol37chain262 96a1ff96fee324fd2214b6c8e9abd239f5cb2ed028107ab7c1af54adfc89160b
iptables-ipset-proto6-allports 1.0.2 INPUT - 49ipsettime34protocol37chain19port143default-ipsettime34protocol39chain19port86chain19port88protocol37chain19port252 4d2ca98e90e5795e8d00d1f394534b3c079c6721867c6c9669f3e0eeed7392c3
iptables-ipset-proto6-allports 1.0.2 INPUT - 49ipsettime34protocol37chain33port143default-ipsettime34protocol39chain33port86chain33port88protocol37chain33port252 9ab63666eacbfe92dbc845a2051836a4b040bf8447fd54299214ef177ae8d210
iptables-multiport-log 1.0.2 INPUT l 28name18name38name46name19name35name19name25chain6protocol23port8name19name23name37name102name45chain4protocol23port8name19name19name23name19name35name16name81 a5fa90b0daf3465c359626c0c6f5f45c27ca72f12fc6cd9f9617fe6277ffadf2
iptables-new 1.0.2 INPUT n 28name59protocol37chain43port8name36name33name53name28name35protocol39chain43port8name39chain43port8name41protocol37chain43port8name24name19name31name100 2f675ffc262dbac6fa827a1e0cd44d4bc77f094e32168ac6c9af7dcdf103e741
iptables-new 1.0.2 INPUT n 28name59protocol37chain57port8name36name33name53name28name35protocol39chain57port8name39chain57port8name41protocol37chain57port8name24name19name31name100 ef1bfa54fee69cda67657ddd08bc9ac5fc418ac14947bd09f9ed2a6a326d5524
iptables-new 1.0.2 INPUT n 28name59protocol37chain42name36name33name53name28name35protocol39chain42name39chain42name41protocol37chain42name24name19name31name100 8f7f1c5b6e40111045d0a44c29067c5eeed3909226fdbe41b0d9cab4c0e3730f
nftables-allports 1.0.2 f2b-chain - 31table55table1chain63table58table1chain99table1chain32table29table56table1chain17protocol36blocktype35table23table1chain21chain_hook10chain_priority24table56table1chain17protocol36blocktype38table1chain99table1chain32table34table55table39table120 6f2c1b13b4047123a72485b64cd9f5f4c5b459e3397f806a396cbf215a284656
nftables-allports 1.0.2 f2b-chain - 31table55table1chain63table58table1chain99table1chain32table29table58protocol41table1chain25port52blocktype39table23table1chain21chain_hook10chain_priority24table58protocol41table1chain25port52blocktype42table1chain99table1chain32table34table55table39table120 f396a159ee8dcf9c64f6a0b06737d6fd31b70d35f622d9784af0c949e189f896
nftables-allports tocsin - - 32table1name52table1name44table1name23table1name40table15table1name57table1name64table1name65table1name21table1name12name27table1name13name47table1name18table1name24table1name45table1name20 3056d2bb3c9a1b1136500259e71364d79a088c7fb978ca1abc5419bf5c7e1e83
nftables-multiport tocsin - - 32table1name52table1name44table1name23table1name40table15table1name57table1name64table1name65table1name21table1name16protocol22port24name27table1name16protocol22port25name47table1name18table1name24table1name45table1name20 c5ee5f5da4c038816438cc9e49f3d769c134df22e3dfcda19a601741a7a2b6af
`

let parsed: readonly Fingerprint[] | undefined

export function stockFingerprints(): readonly Fingerprint[] {
  parsed ??= table
    .split('\n')
    .filter((line) => line !== '')
    .map(parse)
  return parsed
}

function parse(line: string): Fingerprint {
  const [file = '', releases = '', chain = '', remarks = '', shape = '', sha256 = ''] = line.split(' ')
  return {
    file,
    releases: releases.split(','),
    chain: chain === '-' ? undefined : chain,
    newOnly: remarks.includes('n'),
    logs: remarks.includes('l'),
    shape: [...shape.matchAll(/(\d+)([a-z_-]*)/g)].map(([, fixedLength, parameter]) => ({
      fixedLength: Number(fixedLength),
      parameter: parameter === '' ? undefined : parameter,
    })),
    sha256,
  }
}
