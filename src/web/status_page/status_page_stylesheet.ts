import { html } from '../escaping_html_template.ts';
import { COLORS } from '../pages/page_colors.ts';

/** The only style of the status page; its content security policy names the hash. */
export const STATUS_STYLE = html`${COLORS}
*{box-sizing:border-box}
html{font-size:100%;-webkit-text-size-adjust:100%;text-size-adjust:100%}
body{margin:0 auto;max-inline-size:76rem;padding:1.25rem 1.5rem 2.5rem;
font:.9375rem/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif;font-variant-numeric:tabular-nums;
color:var(--text);background:var(--page);overflow-wrap:anywhere}
p,ul,dl,dd{margin:0;padding:0}
ul{list-style:none}
header{display:flex;flex-wrap:wrap;justify-content:space-between;gap:0 1.5rem;margin-block-end:1rem}
h1{margin:0;font-size:1.5rem;line-height:1.25;font-weight:650;letter-spacing:-.01em;text-wrap:balance}
h2{margin:0 0 .5rem;font-size:1rem;line-height:1.4;font-weight:650}
.quiet{color:var(--quiet)}
.verdict{display:flex;align-items:center;gap:1rem;margin-block-end:1.25rem}
.outcome{flex:none;display:grid;place-items:center;inline-size:3.25rem;block-size:3.25rem;border:1px solid transparent;border-radius:50%}
svg{inline-size:1.75rem;block-size:1.75rem;fill:none;stroke:currentColor;stroke-width:2;stroke-linecap:round;stroke-linejoin:round}
.outcome.ok,.state.ok{color:var(--good);background:var(--good-soft)}
.outcome.warning,.state.warning{color:var(--warn);background:var(--warn-soft)}
.outcome.failing,.state.failing{color:var(--bad);background:var(--bad-soft)}
.state{display:inline-block;padding:0 .5rem;border:1px solid transparent;border-radius:.375rem;font-weight:600}
code{font:.9375rem/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace;-webkit-user-select:all;user-select:all}
.facts{display:grid;grid-template-columns:repeat(12,minmax(0,1fr));grid-auto-flow:dense;gap:1rem}
section{grid-column:span 4;padding:.875rem 1.25rem;background:var(--card);border:1px solid var(--line);border-radius:.75rem}
.narrow{grid-column:span 3}
.wide{grid-column:span 5}
.full{grid-column:1/-1}
.problems{margin-block-end:1rem}
.problems li{display:grid;grid-template-columns:5.75rem minmax(0,1fr) minmax(0,26rem);gap:.125rem 1rem;align-items:start;padding-block:.5rem}
.problems li+li{border-block-start:1px solid var(--line)}
.problems li>.state{justify-self:start}
.next{display:grid;color:var(--quiet)}
.checks{display:flex;flex-wrap:wrap;gap:.25rem 1.5rem}
.checks h2{flex:none;margin:0}
.checks dl{display:flex;flex-wrap:wrap;gap:.25rem 1.25rem}
.checks dl div{align-items:baseline;gap:.375rem;padding:0;border:0}
dl div{display:flex;justify-content:space-between;gap:1rem;padding-block:.25rem}
dl div+div,tbody tr{border-block-start:1px solid var(--line)}
dt{color:var(--quiet)}
dd{text-align:end}
dd code{white-space:nowrap}
table{inline-size:100%;border-collapse:collapse}
th,td{padding:.3125rem .75rem .3125rem 0;text-align:start;vertical-align:top;font-weight:400}
th:last-child,td:last-child{padding-inline-end:0}
thead th,td{white-space:nowrap}
.long{white-space:normal}
tbody th{min-inline-size:3.5rem}
thead th{padding-block-start:0;color:var(--quiet)}
section>.quiet{margin-block-start:.625rem}
@media(max-width:72rem){section{grid-column:span 6}.wide{grid-column:1/-1}.problems li{grid-template-columns:5.75rem minmax(0,1fr)}.next{grid-column:2}}
@media(max-width:42rem){body{padding:1rem}.verdict{align-items:flex-start}h1{font-size:1.25rem}.outcome{inline-size:2.5rem;block-size:2.5rem}.facts{display:block}section{margin-block-end:.75rem}
.problems li{display:block}.problems p{margin-block-start:.25rem}
.checks,.checks dl{display:block}.checks dl div{padding-block:.1875rem}
thead{position:absolute;inline-size:1px;block-size:1px;overflow:hidden;clip-path:inset(50%)}
table,tbody,tr,th,td{display:block}
tbody tr{padding-block:.5rem}
tbody tr:first-child{border:0;padding-block-start:0}
th,td{padding:.125rem 0}
tbody th{font-weight:600}
td{display:flex;justify-content:space-between;gap:1rem;text-align:end}
td::before{content:attr(data-column);flex:none;color:var(--quiet);text-align:start}
td:empty{display:none}}
@media(forced-colors:active){svg{color:CanvasText}.state{border-color:currentColor}}
@media print{body{max-inline-size:none;padding:0}section,.problems li{break-inside:avoid}}
`;
