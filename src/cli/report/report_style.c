/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report_style.c - writes the style sheet of a report. The page is light or dark, as the reader's
 * browser prefers. On narrow screens, the page has one column. On paper, the text is black on
 * white, and no page break is inside a figure.
 */
#include "cli/report/report.h"

#define LIGHT                                                                                      \
	"--back:#f6f7f9;--card:#fff;--text:#1b2430;--soft:#566272;--line:#dfe4ea;--dim:#e6eaef;"   \
	"--bad:#b8321f;--good:#1a7148;--gap:#d99a00;--doubt:#8a5c00;--tamper:#8e44ad;"             \
	"--c0:#2f6fde;--c1:#e07b22;--c2:#2a9d6f;--c3:#9b59c4;--c4:#c94f6d;--c5:#138f9e;"           \
	"--c6:#8a6d3b;--c7:#6b7785"
#define DARK                                                                                       \
	"--back:#12161c;--card:#1b212a;--text:#e6eaf0;--soft:#a3afbd;--line:#2f3844;--dim:#"       \
	"2a323d;"                                                                                  \
	"--bad:#ff7b6b;--good:#5fd39a;--gap:#e8b730;--doubt:#e8b730;--tamper:#c792ea;"             \
	"--c0:#6ea2ff;--c1:#ffa657;--c2:#5cd0a0;--c3:#c792ea;--c4:#f28ba8;--c5:#56c8d8;"           \
	"--c6:#d0b070;--c7:#9aa6b5"
#define COLOURS                                                                                    \
	":root{color-scheme:light dark;" LIGHT "}\n"                                               \
	"@media(prefers-color-scheme:dark){:root{" DARK "}}\n"

static const char picture_style[] =
	".picture text{font:14px system-ui,sans-serif;fill:var(--text)}"
	".picture .name{font-weight:600}.picture .soft{font-size:13px;fill:var(--soft)}"
	".picture .share{text-anchor:end}.picture .count{font-weight:600;fill:var(--bad)}"
	".picture .box{fill:var(--card);stroke:var(--soft)}.picture .router{fill:var(--dim)}"
	".picture .box.other{stroke-dasharray:4 3}"
	".picture .band{fill:none;stroke:var(--c0);opacity:.45}"
	".picture .band.other{stroke:var(--soft);stroke-dasharray:4 3}"
	".picture .stray{fill:none;stroke:var(--bad);opacity:.8}.picture .head{fill:var(--bad)}\n";

static const char page_style[] =
	"*{box-sizing:border-box}body{margin:0;background:var(--back);color:var(--text);"
	"font:15px/1.5 system-ui,sans-serif;overflow-wrap:anywhere}"
	"main{max-width:1120px;margin:0 auto;padding:24px 16px}"
	"h1{font-size:1.6em;line-height:1.25;margin:0}h2{font-size:1.15em;margin:28px 0 8px}"
	".soft{color:var(--soft)}p.soft{margin:2px 0 8px}"
	".lead{font-size:1.12em;margin:16px 0;max-width:50em}"
	".bad{color:var(--bad)}.good{color:var(--good)}.doubt{color:var(--doubt)}\n"
	".tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:12px;"
	"margin:16px 0}"
	".tile,figure,.card{background:var(--card);border:1px solid var(--line);border-radius:10px}"
	".tile{padding:12px 16px}"
	".tile b{display:block;font-size:1.55em;line-height:1.3;font-weight:600}"
	".tile span{color:var(--soft);font-size:.88em}\n"
	"figure{margin:0 0 16px;padding:14px 16px}figcaption{font-weight:600;margin-bottom:8px}"
	".legend{margin:8px 0 0;color:var(--soft);font-size:.9em}"
	".legend span{margin-right:16px;display:inline-block}"
	".legend i,.events i{display:inline-block;width:11px;height:11px;border-radius:3px;"
	"margin-right:6px;flex:none}\n"
	/* the time axis */
	".lane{display:grid;grid-template-columns:110px 1fr;gap:0 10px;align-items:center;"
	"margin-bottom:6px}.lane svg{display:block;width:100%;height:20px;border-radius:4px}"
	".who{font-size:.9em;line-height:1.2;text-align:right}"
	".ticks{position:relative;height:18px;font-size:12px;color:var(--soft)}"
	".ticks span{position:absolute;border-left:1px solid var(--line);padding-left:3px;"
	"white-space:nowrap;line-height:1.4}\n"
	".events{list-style:none;margin:14px 0 0;padding:0}"
	".events li{display:grid;grid-template-columns:11px 18em 1fr;gap:2px 10px;"
	"align-items:baseline;padding:4px 0;border-top:1px solid var(--line)}"
	".events .when{color:var(--soft);font-variant-numeric:tabular-nums}\n"
	/* charts */
	".plot{display:grid;grid-template-columns:84px 1fr;gap:4px 10px}"
	".plot svg{display:block;width:100%;height:200px;overflow:visible}"
	".scale{display:flex;flex-direction:column;justify-content:space-between;height:212px;"
	"margin-top:-6px;text-align:right;font-size:12px;line-height:12px;color:var(--soft);"
	"white-space:nowrap}"
	".grid{stroke:var(--line);vector-effect:non-scaling-stroke}"
	"rect.gap{fill:var(--gap)}.plot rect.gap{opacity:.25}i.gap{background:var(--gap)}"
	"rect.dim{fill:var(--dim)}i.dim{background:var(--dim)}"
	"rect.up{fill:var(--c2)}i.up{background:var(--c2)}"
	"rect.down,rect.mis{fill:var(--bad)}i.down,i.mis{background:var(--bad)}"
	"rect.drain{fill:var(--gap)}i.drain{background:var(--gap)}"
	"rect.tamper{fill:var(--tamper)}i.tamper{background:var(--tamper)}\n"
	".two{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(400px,100%),1fr));"
	"gap:0 16px;align-items:start}"
	".picture{display:block;width:100%;max-width:600px;height:auto;margin:0 auto}\n"
	/* tables */
	".card{padding:4px 0;margin-bottom:16px}table{border-collapse:collapse;width:100%}"
	"caption{text-align:left;font-weight:600;padding:8px 12px}"
	".card td,.card th{padding:6px 12px;text-align:left;vertical-align:top;"
	"border-bottom:1px solid var(--line)}.card tbody tr:last-child td{border-bottom:0}"
	".card th{color:var(--soft);font-weight:500;font-size:.9em;overflow-wrap:normal}"
	".n{text-align:right!important;font-variant-numeric:tabular-nums;overflow-wrap:normal}"
	"td.n,td.t{white-space:nowrap}.card td{overflow-wrap:break-word}.card "
	"td.w{overflow-wrap:anywhere;min-width:15em}td.d{min-width:7em}"
	".bars th{text-align:left;font-weight:400;padding:3px 10px 3px 0;width:40%}"
	".bars svg{display:block;width:100%;height:12px}"
	".bars .n{padding-left:10px;width:1%}\n"
	/* narrow screens: each row becomes a card with labelled cells */
	"@media screen and (max-width:960px){"
	".card thead{position:absolute;clip-path:inset(50%);width:1px;height:1px;overflow:hidden}"
	".card table,.card tbody,.card tr,.card td,.card caption{display:block}"
	".card tr{border-bottom:1px solid var(--line);padding:6px 0}"
	".card tbody tr:last-child{border-bottom:0}"
	".card td{border:0;padding:2px 12px;display:grid;grid-template-columns:9em 1fr;gap:10px;"
	"text-align:left!important;white-space:normal!important}"
	".card td::before{content:attr(data-label);color:var(--soft)}"
	".card td:has(div:empty){display:none}.card td.w,.card td.d{min-width:0}}\n"
	"@media screen and (max-width:760px){"
	".lane{grid-template-columns:88px "
	"1fr}.who{font-size:.85em}figure{padding:12px}.plot{grid-template-columns:68px 1fr}"
	".ticks span:nth-child(even){display:none}"
	".events li{grid-template-columns:11px 1fr}.events li>:last-child{grid-column:2}}\n"
	/* paper */
	"@page{margin:14mm}"
	"@media print{:root{color-scheme:light;" LIGHT ";--back:#fff}"
	"*{print-color-adjust:exact;-webkit-print-color-adjust:exact}"
	"body{font-size:10pt}main{max-width:none;padding:0 1px}"
	".tiles{grid-template-columns:repeat(5,1fr)}.tile{padding:6px 8px}"
	"figure,.lanes,.tile,.card tr,.events li,.lane{break-inside:avoid}h2{break-after:avoid}"
	".picture{max-height:80mm}thead{display:table-header-group}.events{font-size:9pt}.card{"
	"font-size:8.5pt}"
	".card td,.card th{padding:3px 6px}figure.story{break-inside:auto}}\n";

void report_picture_style(FILE *out)
{
	fputs(COLOURS, out);
	fputs(picture_style, out);
}

void report_style(FILE *out)
{
	report_picture_style(out);
	fputs(page_style, out);
	for (int i = 0; i < 8; i++)
		fprintf(out, "rect.s%d{fill:var(--c%d)}i.s%d{background:var(--c%d)}", i, i, i, i);
}
