/** Zone abbreviations by offset in hours; on a duplicate the later row wins (spec section 3.11.6). */
const rows: readonly (readonly [hours: number, names: string])[] = [
  [-12, 'Y'],
  [-11, 'X NUT SST'],
  [-10, 'W CKT HAST HST TAHT TKT'],
  [-9, 'V AKST GAMT GIT HADT HNY'],
  [-8, 'U AKDT CIST HAY HNP PST PT'],
  [-7, 'T HAP HNR MST PDT'],
  [-6, 'S CST EAST GALT HAR HNC MDT'],
  [-5, 'R CDT COT EASST ECT EST ET HAC HNE PET'],
  [-4, 'Q AST BOT CLT COST EDT FKT GYT HAE HNA PYT'],
  [-3, 'P ADT ART BRT CLST FKST GFT HAA PMST PYST SRT UYT WGT'],
  [-2, 'O BRST FNT PMDT UYST WGST'],
  [-1, 'N AZOT CVT EGT'],
  [0, 'Z EGST GMT UTC WET WT'],
  [1, 'A CET DFT WAT WEDT WEST'],
  [2, 'B CAT CEDT CEST EET SAST WAST'],
  [3, 'C EAT EEDT EEST IDT MSK'],
  [4, 'D AMT AZT GET GST KUYT MSD MUT RET SAMT SCT'],
  [5, 'E AMST AQTT AZST HMT MAWT MVT PKT TFT TJT TMT UZT YEKT'],
  [6, 'F ALMT BIOT BTT IOT KGT NOVT OMST YEKST'],
  [7, 'G CXT DAVT HOVT ICT KRAT NOVST OMSST THA WIB'],
  [8, 'H ACT AWST BDT BNT CAST HKT IRKT KRAST MYT PHT SGT ULAT WITA WST'],
  [9, 'I AWDT IRKST JST KST PWT TLT WDT WIT YAKT'],
  [10, 'K AEST ChST PGT VLAT YAKST YAPT'],
  [11, 'L AEDT LHDT MAGT NCT PONT SBT VLAST VUT'],
  [12, 'M ANAST ANAT FJT GILT MAGST MHT NZST PETST PETT TVT WFT'],
  [13, 'FJST NZDT'],
  [11.5, 'NFT'],
  [10.5, 'ACDT LHST'],
  [9.5, 'ACST'],
  [6.5, 'CCT MMT'],
  [5.75, 'NPT'],
  [5.5, 'SLT'],
  [4.5, 'AFT IRDT'],
  [3.5, 'IRST'],
  [-2.5, 'HAT NDT'],
  [-3.5, 'HNT NST NT'],
  [-4.5, 'HLV VET'],
  [-9.5, 'MART MIT'],
]

const minutesByName = new Map(
  rows.flatMap(([hours, names]) => names.split(' ').map((name) => [name, hours * 60] as const)),
)

const form = /^([A-Z](?:[A-Z]{2,4})?)?(?:([+-])([01]\d)(?::?(\d{2}))?)?$/

/**
 * Offset east of Greenwich in minutes of `UTC`, `+0200`, `CET`, `UTC+02:00`; `unknown`: an abbreviation that we do not know; undefined: no
 * zone at all.
 */
export function zoneMinutes(text: string): number | 'unknown' | undefined {
  const parts = form.exec(text)
  if (parts === null) return undefined
  const [, name, sign, hours, minutes] = parts
  const base = name === undefined ? 0 : minutesByName.get(name)
  if (base === undefined) return 'unknown'
  if (hours === undefined) return base
  return base + (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes ?? 0))
}
