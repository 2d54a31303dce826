#include "base/status.h"
#include <embscope/render.h>
es_status es_render_report_html(const es_report *report, FILE *out, es_error *error)
{
    (void)report, (void)out;
    return es_fail(error, ES_UNSUPPORTED, "not yet");
}
