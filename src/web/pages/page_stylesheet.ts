import { html } from '../escaping_html_template.ts';
import { COLORS } from './page_colors.ts';

/** The only style of the pages for users. The content security policy names its hash, so the pages contain exactly this text. */
export const STYLE = html`${COLORS}*{box-sizing:border-box}
html{font-size:100%;-webkit-text-size-adjust:100%;text-size-adjust:100%}
body{margin:0;min-height:100vh;min-height:100dvh;display:flex;flex-direction:column;align-items:center;padding:clamp(0rem,6vh,4.5rem) 1rem;
font:1rem/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif;color:var(--text);background:var(--page);overflow-wrap:anywhere}
.card{inline-size:100%;max-inline-size:30rem;padding:2rem 2.25rem 2.25rem;background:var(--card);border:1px solid var(--line);border-radius:1rem;
box-shadow:0 1px 2px #0000000a,0 12px 32px #0000000d}
header{display:flex;align-items:center;gap:.875rem;margin-block-end:1.5rem}
header p{margin:0;font-size:1.125rem;line-height:1.3}
.mark{flex:none;inline-size:3rem;block-size:3rem;border-radius:.75rem;object-fit:contain}
span.mark{display:grid;place-items:center;font-size:1.375rem;font-weight:600;color:var(--on-accent);background:var(--accent);border:1px solid transparent}
h1{margin:0 0 .625rem;font-size:1.5rem;line-height:1.25;font-weight:650;letter-spacing:-.01em;text-wrap:balance}
h2{margin:1.75rem 0 .5rem;font-size:1rem;line-height:1.4;font-weight:650}
h2 strong{font-weight:inherit}
p{margin:0 0 .75rem;text-wrap:pretty}
.lead{font-size:1.0625rem}
ul{margin:0;padding:0;list-style:none}
.able li{display:flex;gap:.75rem;padding-block:.5rem}
.able li+li{border-block-start:1px solid var(--line)}
svg{flex:none;inline-size:1.5rem;block-size:1.5rem;fill:none;stroke:currentColor;stroke-width:2;stroke-linecap:round;stroke-linejoin:round}
.able svg{color:var(--good)}
.account{display:flex;gap:.75rem;color:var(--quiet)}
.account strong{color:var(--text);font-weight:600}
.quiet{color:var(--quiet);font-size:.9375rem}
.also{margin-block-start:.5rem}
.also *{display:inline;font-size:inherit}
.also h2::after{content:":\\2002"}
.also li+li::before{content:"\\2002\\b7\\2002"}
.actions{display:flex;flex-wrap:wrap;gap:.75rem;margin-block:1.5rem 1rem}
.caution{flex:1 1 100%;margin:0 0 .25rem;padding:.625rem .875rem;background:var(--warn-soft);border:1px solid transparent;border-inline-start:4px solid var(--warn);border-radius:.5rem}
.actions .button{flex:3 1 auto;inline-size:auto;padding-inline:.75rem}
.actions .other{flex-grow:1}
main>:last-child,blockquote>:last-child{margin-block-end:0}
.button{display:block;inline-size:100%;min-block-size:3rem;padding:.625rem 1.25rem;
font:inherit;font-weight:600;text-align:center;text-decoration:none;color:var(--on-accent);background:var(--accent);
border:2px solid transparent;border-radius:.625rem;cursor:pointer}
.button strong{font-weight:inherit}
p>.button{margin-block-start:1rem}
.button:hover{background:var(--press)}
.other{color:var(--accent);background:none;border-color:currentColor}
.other:hover{background:none;box-shadow:inset 0 0 0 1px currentColor}
a{color:var(--accent);text-underline-offset:.15em}
a:focus-visible,.button:focus-visible{outline:3px solid var(--accent);outline-offset:3px;border-radius:.625rem}
.centre{text-align:center}
.centre a{display:inline-block;padding-block:.625rem}
.outcome{display:grid;place-items:center;inline-size:3.5rem;block-size:3.5rem;margin-block-end:1.25rem;border:1px solid transparent;border-radius:50%;color:var(--quiet);background:var(--soft)}
.outcome svg{inline-size:1.875rem;block-size:1.875rem}
.nobody{color:var(--good);background:var(--good-soft)}
.administrator,.time{color:var(--warn);background:var(--warn-soft)}
.product{color:var(--bad);background:var(--bad-soft)}
footer{display:flex;flex-wrap:wrap;justify-content:center;gap:0 1.5rem;margin-block:1.25rem -1.25rem;padding-block-start:.5rem;border-block-start:1px solid var(--line);font-size:.9375rem}
footer a{padding-block:.6875rem;min-inline-size:2.75rem}
blockquote,code{display:block;margin:0 0 1rem;padding:.75rem 1rem;background:var(--soft);border:1px solid var(--line);border-radius:.5rem;
-webkit-user-select:all;user-select:all}
code{margin:.375rem 0 0;font:.9375rem/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace}
main>.reference{margin-block-start:1.75rem}
.reference code{display:inline;margin:0;padding:0;background:none;border:0;white-space:nowrap}
@media(max-width:34rem){body{padding:0;background:var(--card)}.card{padding:1.25rem 1.25rem 2rem;border:0;border-radius:0;box-shadow:none}
header{margin-block-end:1.125rem}.mark{inline-size:2.5rem;block-size:2.5rem;border-radius:.625rem}
h1{font-size:1.375rem;margin-block-end:.5rem}.lead{font-size:1rem}h2{margin-block:1.25rem .25rem}}
@media(max-width:34rem) and (min-height:30rem){html{scroll-padding-block-end:13rem}
.actions{position:sticky;inset-block-end:0;gap:.625rem;margin:1rem -1.25rem .5rem;padding:.625rem 1.25rem .75rem;background:var(--card);border-block-start:1px solid var(--line)}
.actions .button{padding-inline:.5rem}
.caution{margin:0;padding:0;background:none;border:0;font-size:.9375rem;line-height:1.4}}
@media(forced-colors:active){svg{color:CanvasText}a{color:LinkText}.button{color:ButtonText}}
@media print{body{padding:0}.card{border:0;box-shadow:none}}
`;
