#include "render/html.h"

#include "base/utf8.h"
#include "render/display.h"
#include "render/number_text.h"

#include <math.h>

static const char *reference(char byte)
{
    switch (byte) {
    case '&': return "&amp;";
    case '<': return "&lt;";
    case '>': return "&gt;";
    case '"': return "&quot;";
    case '\'': return "&#39;";
    default: return NULL;
    }
}

void es_html_text(es_text *page, const char *data, size_t size)
{
    for (size_t at = 0; at < size;) {
        uint32_t code_point = 0;
        int length = es_utf8_decode(data + at, size - at, &code_point);
        if (!length) {
            es_text_add(page, "\xEF\xBF\xBD");
            at += es_display_ill_formed(data + at, size - at);
            continue;
        }
        if (length == 1 && reference(data[at]))
            es_text_add(page, reference(data[at]));
        else if (es_utf8_is_unsafe(code_point))
            es_text_printf(page, code_point < 0x80 ? "\\x%02X" : "\\u{%04X}", (unsigned)code_point);
        else
            es_text_append(page, data + at, (size_t)length);
        at += (size_t)length;
    }
}

void es_html_token(es_text *page, const char *data, size_t size)
{
    if (!data) {
        es_text_add(page, "<span class=\"none\">(no token)</span>");
        return;
    }
    es_text_add(page, "<code class=\"token\">&quot;");
    es_text shown = {0}; /* bytes that are no text as \xC6, not as one sign for them all */
    es_display_plain(&shown, data, size);
    es_html_text(page, shown.data ? shown.data : "", shown.size);
    page->failed |= shown.failed;
    es_text_release(&shown);
    es_text_add(page, "&quot;</code>");
}

void es_html_number_cell(es_text *page, double value, int decimals)
{
    es_text_add(page, "<td class=\"n\">");
    es_text_fixed(page, value, decimals);
    es_text_add(page, "</td>");
}

void es_html_cosine_cell(es_text *page, double cosine)
{
    es_text_add(page, "<td class=\"bar\"><i>");
    if (isfinite(cosine)) {
        es_text_printf(page, "<span class=\"%s\" style=\"width:", cosine < 0 ? "minus" : "plus");
        es_text_fixed(page, 100 * fmin(1, fabs(cosine)), 1);
        es_text_add(page, "%\"></span>");
    }
    es_text_add(page, "</i><b>");
    es_text_fixed(page, cosine, 4);
    es_text_add(page, "</b></td>");
}

/* Light and dark by the reader's preference; paper for print. */
static const char *const rules[] = {
    ":root{--ink:#1f2937;--muted:#667085;--paper:#fcfcfb;--card:#fff;--line:#e4e7ed;"
    "--accent:#3c72b0;--soft:#eef3f9;--warm:#e07b39;--mark:#b42f4b;--token:#27527f;"
    "--figure-ink:var(--ink);--figure-muted:var(--muted);--figure-frame:#98a2b4;"
    "--figure-grid:var(--line);--figure-data:var(--accent);--figure-random:var(--warm);"
    "--figure-mark:var(--mark)}\n",
    "@media (prefers-color-scheme:dark){:root{--ink:#e6e9ef;--muted:#9aa4b5;--paper:#14171c;"
    "--card:#1b1f26;--line:#2d333d;--accent:#6fa3dc;--soft:#202833;--warm:#f0975c;"
    "--mark:#ef7b92;--token:#a9cbef;--figure-frame:#667085}}\n",
    "*{box-sizing:border-box}html{-webkit-text-size-adjust:100%}\n",
    "body{margin:0;background:var(--paper);color:var(--ink);font:17.5px/1.62 Charter,"
    "'Bitstream Charter','Iowan Old Style','Source Serif 4',Georgia,'DejaVu Serif',serif}\n",
    "main{max-width:54rem;margin:0 auto;padding:4.2rem 1.5rem 5rem}\n",
    "p,ul,ol,header,h2{max-width:41rem}p{margin:.9rem 0}\n",
    "h1{font-size:2.35rem;line-height:1.15;letter-spacing:-.012em;margin:.3rem 0 1rem;"
    "font-weight:600;overflow-wrap:anywhere}\n",
    "h2{font-size:1.45rem;line-height:1.25;margin:4rem 0 .8rem;font-weight:600;"
    "letter-spacing:-.006em}h2 .no{color:var(--muted);font-weight:400;margin-right:.55em;"
    "font-variant-numeric:tabular-nums}\n",
    ".kicker,nav,table,figcaption,footer,.facts,.small,.missing{font-family:Inter,system-ui,"
    "-apple-system,'Segoe UI','Helvetica Neue',Helvetica,Arial,'Liberation Sans',sans-serif}\n",
    ".kicker{color:var(--muted);font-size:.82rem;letter-spacing:.06em;"
    "text-transform:uppercase;margin:0}\n",
    ".lead{font-size:1.16rem;line-height:1.55;color:var(--ink)}\n",
    "nav{font-size:.86rem;line-height:1.9;margin:1.8rem 0 0;border-top:1px solid var(--line);"
    "border-bottom:1px solid var(--line);padding:.6rem 0}nav a{margin-right:1.15rem;"
    "white-space:nowrap}a{color:var(--accent);text-decoration:none}a:hover{text-decoration:"
    "underline}\n",
    ".formula{margin:1.3rem 0;padding:.15rem 0 .15rem 1.2rem;border-left:3px solid "
    "var(--line);font-size:1.12rem;overflow-x:auto;overflow-y:hidden;max-width:41rem}math{font-"
    "family:"
    "'Latin Modern Math','STIX Two Math','Cambria Math',math,serif}\n",
    ".finding{margin:1.4rem 0;padding:.85rem 1.15rem;background:var(--soft);"
    "border-left:3px solid var(--accent);border-radius:0 6px 6px 0;max-width:41rem}"
    ".finding p{margin:.35rem 0}\n",
    "table{border-collapse:collapse;font-size:.86rem;line-height:1.45;margin:1.3rem 0;"
    "font-variant-numeric:tabular-nums}th,td{padding:.32rem .8rem .32rem 0;text-align:left;"
    "border-bottom:1px solid var(--line);vertical-align:baseline}th{color:var(--muted);"
    "font-weight:500;border-bottom-color:var(--muted)}th.n,td.n{text-align:right;"
    "padding-left:.8rem;white-space:nowrap}\n",
    ".wide{overflow-x:auto;overflow-y:hidden}.wide code.token{white-space:pre}table.facts "
    "th{border-bottom:1px solid var(--line);"
    "font-weight:400;padding-right:2rem;white-space:nowrap}table.facts td{overflow-wrap:"
    "anywhere}table tr:last-child>*{border-bottom:0}\n",
    "td.bar{white-space:nowrap;text-align:right;width:1%}td.bar i{display:inline-block;"
    "width:4.6rem;height:.62em;margin-right:.8em;text-align:left;vertical-align:baseline}"
    "td.bar span{display:block;height:100%;border-radius:1px;min-width:1px}td.bar span.plus{"
    "background:var(--accent)}td.bar span.minus{background:var(--warm)}td.bar b{"
    "font-weight:400;display:inline-block;min-width:3.6em}\n",
    "code.token{font:.92em/1.3 ui-monospace,'SF Mono',Menlo,Consolas,'DejaVu Sans Mono',"
    "monospace;color:var(--token);white-space:pre-wrap;overflow-wrap:anywhere;unicode-bidi:"
    "isolate}.none{color:var(--muted)}\n",
    "code{font:.88em ui-monospace,'SF Mono',Menlo,Consolas,'DejaVu Sans Mono',monospace}\n",
    ".lists{display:grid;grid-template-columns:repeat(auto-fit,minmax(20rem,1fr));"
    "gap:.5rem 3rem}.lists table{width:100%;margin:.4rem 0}.lists h3{font-size:1rem;"
    "font-weight:600;margin:1rem 0 .1rem}\n",
    "figure{margin:1.9rem 0;padding:.6rem .9rem .9rem;background:var(--card);border:1px solid "
    "var(--line);border-radius:8px}figure svg{display:block;max-width:100%;height:auto;"
    "margin:0 auto}figcaption{font-size:.86rem;line-height:1.5;color:var(--muted);"
    "padding:.5rem .3rem 0;max-width:46rem}.missing{color:var(--muted);font-size:.88rem;"
    "padding:1.2rem .3rem;margin:0}\n",
    ".spectrum{display:flex;align-items:flex-end;gap:2px;height:8.5rem;position:relative;"
    "margin:1.3rem 0 .2rem;max-width:41rem;border-bottom:1px solid var(--muted)}.spectrum i{"
    "flex:1;background:var(--accent);min-height:1px;border-radius:2px 2px 0 0;max-width:2rem}"
    ".spectrum i.within{opacity:.42}.spectrum hr{position:absolute;left:0;right:0;margin:0;"
    "border:0;border-top:1.5px dashed var(--warm)}.small{font-size:.86rem;line-height:1.5;"
    "color:var(--muted);margin-top:.2rem}.swatch{color:var(--warm)}\n",
    "footer{margin-top:4.5rem;padding-top:1.1rem;border-top:1px solid var(--line);"
    "color:var(--muted);font-size:.84rem;line-height:1.6}footer code{overflow-wrap:anywhere}\n",
    "@media print{:root{--ink:#111;--muted:#555;--paper:#fff;--card:#fff;--line:#ccc;"
    "--accent:#2d639f;--soft:#f3f5f8;--warm:#c8641f;--mark:#a0243f;--token:#1d4470}body{"
    "font-size:10.5pt}main{padding:0;max-width:none}nav{display:none}h2,h3{break-after:avoid}."
    "formula,.wide{overflow:visible}h2{"
    "margin-top:1.6rem}figure,.finding,table,.formula,.spectrum{break-inside:avoid}*{print-"
    "color-adjust:"
    "exact;-webkit-print-color-adjust:exact}figure svg{max-height:15cm}}\n",
    "@media (max-width:34rem){body{font-size:16.5px}h1{font-size:1.85rem}main{padding-top:"
    "2.2rem}figure{padding:.4rem;margin-left:-.6rem;margin-right:-.6rem}}\n",
};

void es_html_style(es_text *page)
{
    es_text_add(page, "<style>\n");
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) es_text_add(page, rules[i]);
    es_text_add(page, "</style>\n");
}
