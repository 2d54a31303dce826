/* Numbers from text, whatever the locale: always '.', never ','. */
#ifndef ES_BASE_NUMBER_H
#define ES_BASE_NUMBER_H

#include <stddef.h>

/* Parse a decimal number at data[0..size): [+-] digits [. digits] [e [+-] digits], or nan / inf /
 * infinity in any case. Returns the bytes taken, 0 where no number starts. Correctly rounded; too
 * large gives an infinity, too small zero. No hexadecimal. data need not be terminated. */
size_t es_number_parse(const char *data, size_t size, double *value);

#endif
