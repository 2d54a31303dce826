/* Between the two halves of a spectrum's rendering: for people, and for programs. */
#ifndef ES_RENDER_SPECTRUM_H
#define ES_RENDER_SPECTRUM_H

#include <embscope/render.h>

/* Every eigenvalue; a line for each chain. */
void es_spectrum_csv(const es_spectrum *spectrum, FILE *out);
void es_spectra_csv(const char *const *chains, const es_spectrum *spectra, int64_t count,
                    FILE *out);

void es_spectra_json(const es_space *space, const char *const *chains, const es_spectrum *spectra,
                     int64_t count, const es_render_options *options, FILE *out);

#endif
