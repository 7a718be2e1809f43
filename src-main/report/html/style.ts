/** The style sheet of the report: legible on screen, in the dark, and on paper. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --paper: #ffffff; --ink: #1c2024; --soft: #5f6872; --line: #d9dde2; --wash: #f4f6f8;
  --best: #0a6b43; --bad: #b3261e; --warn: #8a5a00;
  --volts: #1f6fb2; --band: #1f6fb240; --powered: #f2b84b38; --progress: #0a7d55; --threshold: #8a929b;
  --restart: #8a929b; --layer: #3b82c4; --tile: #2a9d6e; --loop: #b58a2e; --planned: #7a5cc2; --adaptive: #d1495b;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #15181b; --ink: #e6e9ec; --soft: #9aa4ae; --line: #343a41; --wash: #1d2125;
    --best: #5ecb98; --bad: #ff8a80; --warn: #f0b95b;
    --volts: #6db3ec; --band: #6db3ec40; --powered: #f2b84b26; --progress: #58c99a; --threshold: #7d8791;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; max-width: 1120px; padding: 32px 24px 64px; background: var(--paper); color: var(--ink);
  font: 14px/1.5 system-ui, -apple-system, "Segoe UI", "Liberation Sans", Arial, sans-serif;
}
h1 { font-size: 26px; line-height: 1.25; margin: 0 0 6px; overflow-wrap: anywhere; }
h2 { font-size: 18px; margin: 40px 0 10px; padding-bottom: 5px; border-bottom: 1px solid var(--line); }
h3 { font-size: 15px; margin: 30px 0 8px; overflow-wrap: anywhere; }
p { margin: 6px 0; }
.soft { color: var(--soft); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; width: 100%; }
th, td { padding: 5px 9px; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); }
th { font-weight: 600; color: var(--soft); font-size: 12.5px; vertical-align: bottom; }
thead th { border-bottom: 1.5px solid var(--soft); }
td.number, th.number { text-align: right; } td.number, td.strategy { white-space: nowrap; }
td .ratio { display: block; color: var(--soft); font-size: 12px; }
td.best { color: var(--best); font-weight: 650; }
td.status { white-space: nowrap; }
.finished { color: var(--best); } .failed, .not-terminating { color: var(--bad); }
.interrupted, .cancelled, .running { color: var(--warn); }
.key { display: inline-block; width: 9px; height: 9px; border-radius: 2px; margin-right: 6px; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(380px, 1fr)); gap: 12px 36px; }
.facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(125px, 1fr)); gap: 8px 16px; margin: 8px 0 12px; }
.facts div { border-left: 3px solid var(--line); padding-left: 9px; }
.facts dt { color: var(--soft); font-size: 12px; } .facts dd { margin: 0; font-weight: 600; }
dl.facts { padding: 0; }
figure { margin: 8px 0 4px; } figcaption { color: var(--soft); font-size: 12.5px; }
svg { display: block; width: 100%; height: auto; font: 11px system-ui, "Liberation Sans", Arial, sans-serif; }
svg text { fill: var(--soft); } svg text.strong { fill: var(--ink); } svg .value { font-variant-numeric: tabular-nums; }
svg .axis { stroke: var(--soft); fill: none; } svg .grid { stroke: var(--line); fill: none; }
svg .band { fill: var(--band); } svg .trace { fill: none; stroke: var(--volts); stroke-width: 1; }
svg .powered { fill: var(--powered); } svg .threshold { stroke: var(--threshold); stroke-dasharray: 4 3; fill: none; }
svg .progress { fill: none; stroke: var(--progress); stroke-width: 1.6; }
svg .range { stroke: var(--ink); fill: none; }
details { margin: 10px 0; } summary { cursor: pointer; color: var(--soft); } summary:hover { color: var(--ink); }
details[open] > summary { margin-bottom: 6px; }
code, pre { font: 12.5px/1.5 ui-monospace, "Cascadia Mono", "Liberation Mono", Menlo, monospace; }
pre { background: var(--wash); padding: 9px 12px; border-radius: 5px; white-space: pre-wrap; overflow-wrap: anywhere; margin: 6px 0; }
td code { overflow-wrap: anywhere; }
.reason { border-left: 3px solid var(--bad); padding: 2px 0 2px 10px; margin: 8px 0; overflow-wrap: anywhere; }
footer { margin-top: 44px; color: var(--soft); font-size: 12.5px; }
@media print {
  body { max-width: none; padding: 0; font-size: 11px; } h2, h3, figure, tr { break-inside: avoid; }
  h2, h3 { break-after: avoid; }
}
`;
