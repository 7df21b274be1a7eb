"""How the page looks: light and dark, wide and narrow, on paper."""

from __future__ import annotations

from typing import Final

CSS: Final = """
:root{color-scheme:light dark;--ground:#fbfaf7;--card:#fff;--ink:#1d2025;--soft:#565d67;--line:#d9d7d0;--link:#1b4f9c;--shade:#0003;
--good:#1a6b3a;--bad:#a81e1e;--warn:#7d5200;--calm:#40546b}
@media(prefers-color-scheme:dark){:root{--ground:#14161a;--card:#1d2026;--ink:#e9e7e2;--soft:#a9afb8;--line:#383d46;
--link:#8ab8ff;--shade:#000a;--good:#74d398;--bad:#ff938a;--warn:#f0bd62;--calm:#a6bdd8}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);font:1rem/1.5 system-ui,sans-serif;overflow-wrap:anywhere}
header,main,footer,nav{max-width:72rem;margin:0 auto;padding:0 1rem}
header{padding-top:1.5rem}h1{font-size:1.35rem;margin:0}h2{font-size:1.2rem;margin:2.25rem 0 .75rem}
h3{font-size:1rem;margin:1.25rem 0 .5rem}p{margin:.4rem 0;max-width:48rem}
a{color:var(--link)}:focus-visible{outline:3px solid var(--link);outline-offset:2px}
nav ul{display:flex;flex-wrap:wrap;gap:.25rem 1rem;padding:0;margin:.75rem 0;list-style:none}
nav a{display:inline-block;padding:.5rem 0;min-width:1.5rem}
.skip{position:absolute;left:-99rem}.skip:focus{left:1rem;top:.5rem;background:var(--card);padding:.5rem}
.soft{color:var(--soft)}.score{display:flex;flex-wrap:wrap;gap:.25rem 1.25rem;align-items:baseline}
.score strong{font-size:3.2rem;line-height:1.1;font-variant-numeric:tabular-nums}
.status{font-size:1.25rem;font-weight:600}
.good{color:var(--good)}.bad{color:var(--bad)}.warn{color:var(--warn)}.calm{color:var(--calm)}
.tiles{display:flex;flex-wrap:wrap;gap:.5rem;padding:0;margin:1rem 0;list-style:none}
.tiles li{background:var(--card);border:1px solid var(--line);border-radius:.5rem;padding:.4rem .8rem;min-width:6rem}
.tiles b{display:block;font-size:1.3rem;font-variant-numeric:tabular-nums}
.scroll{overflow-x:auto;max-width:100%;margin:.5rem 0;border:1px solid var(--line);border-radius:.5rem;
background:linear-gradient(to right,var(--ground) 40%,transparent) 0 0/3rem 100% no-repeat local,
linear-gradient(to left,var(--ground) 40%,transparent) 100% 0/3rem 100% no-repeat local,
linear-gradient(to right,var(--shade),transparent) 0 0/.9rem 100% no-repeat scroll,
linear-gradient(to left,var(--shade),transparent) 100% 0/.9rem 100% no-repeat scroll,var(--ground)}
table{border-collapse:collapse;width:100%;font-size:.9rem;overflow-wrap:normal}
caption{text-align:left;padding:.5rem .75rem;color:var(--soft);position:sticky;left:0}
th,td{text-align:left;vertical-align:top;padding:.35rem .75rem;border-top:1px solid var(--line)}
tbody th{font-weight:500}td,tbody th{max-width:28rem;min-width:4rem;overflow-wrap:break-word}
.number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap;min-width:0}
details{background:var(--card);border:1px solid var(--line);border-radius:.5rem;margin:.5rem 0;padding:0 .9rem}
details details{background:var(--ground)}details[open]{padding-bottom:.75rem}
summary{cursor:pointer;padding:.65rem 0;margin:0 -.2rem}summary b{font-weight:600}
.strip{display:inline-flex;flex-wrap:wrap;gap:1px;vertical-align:middle;font-size:.75rem;line-height:1.15rem}
.strip span{width:1.05rem;text-align:center;border:1px solid;border-radius:.2rem}.strip .good{border-color:var(--line)}
code,pre{font:.85rem/1.45 ui-monospace,monospace}
pre{white-space:pre-wrap;background:var(--ground);border:1px solid var(--line);border-radius:.35rem;padding:.6rem;
margin:.5rem 0}
.badge{display:inline-block;border:1px solid;border-radius:1rem;padding:0 .55rem;margin-right:.4rem;font-size:.8rem;
font-weight:600;white-space:nowrap}
svg{display:block;width:100%;height:auto;max-width:60rem;color:var(--calm)}svg text{fill:var(--soft);font-size:12px}
.axis{stroke:var(--line)}.least{stroke:var(--warn);stroke-dasharray:5 4}
.curve{fill:none;stroke:currentColor;stroke-width:2.5}.point{fill:currentColor}
footer{margin-top:3rem;padding-bottom:2rem;color:var(--soft);font-size:.85rem}
@media(max-width:36rem){.score strong{font-size:2.6rem}svg text{font-size:28px}
.scroll{overflow:visible;border:0;background:none;margin:.5rem 0 1rem}
table,caption,tbody,tr{display:block}table{overflow-wrap:anywhere}caption{padding:0 0 .25rem;position:static}
thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
tbody tr{border:1px solid var(--line);border-radius:.5rem;padding:.4rem .6rem;margin:0 0 .4rem;background:var(--ground)}
tbody th,td{display:inline-block;border:0;padding:.1rem 0;margin-right:1rem;max-width:100%;min-width:0;overflow-wrap:anywhere}
tbody th{font-weight:600}
td::before{content:attr(data-label) ": ";color:var(--soft)}td:empty{display:none}
td.number{text-align:left;white-space:normal}
details{padding:0 .7rem}details details{padding:0 .5rem}}
@media print{nav,.skip{display:none}details{break-inside:avoid}}
"""
