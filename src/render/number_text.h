/* Numbers as text, the same whatever the host program's locale says. */
#ifndef ES_RENDER_NUMBER_TEXT_H
#define ES_RENDER_NUMBER_TEXT_H

#include "base/text.h"

#include <stdint.h>

/* Room for any number below: 309 digits before the point, 20 decimals. */
enum { ES_NUMBER_TEXT = 352 };

/* The shortest of %.15g, %.16g and %.17g that reads back the same float64. Finite values only (a
 * caller's mistake is an assert): the format around it says what stands for the others. */
void es_number_shortest(double value, char out[ES_NUMBER_TEXT]);

/* The shortest of %.6g ... %.9g that reads back the same float32. Finite values only. Returns its
 * length. */
int es_number_shortest_float(float value, char out[ES_NUMBER_TEXT]);

/* For people: `decimals` (0 ... 20) places, "-" where undefined, "inf", and never "-0.00". From
 * 1e9 on as 1.234e+300. */
void es_number_fixed(double value, int decimals, char out[ES_NUMBER_TEXT]);

/* For people: "1,262,857,896". */
void es_number_count(int64_t count, char out[ES_NUMBER_TEXT]);

/* The same, appended. */
void es_text_fixed(es_text *text, double value, int decimals);
void es_text_count(es_text *text, int64_t count);
void es_text_shortest(es_text *text, double value);

#endif
