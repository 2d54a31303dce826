#define _GNU_SOURCE /* lgamma_r */
/* Cosines of random directions: t has density Gamma(d/2) / (sqrt(pi) Gamma((d-1)/2))
 * (1 - t^2)^((d-3)/2), so that (t + 1)/2 ~ Beta((d-1)/2, (d-1)/2), with variance 1/d. */
#include <embscope/similarity.h>
#include <math.h>

/* The continued fraction of the incomplete beta function, by Lentz's method (DLMF 8.17.22). */
static double beta_fraction(double x, double a, double b)
{
    const double tiny = 1e-300;
    double c = 1, d = 1 - (a + b) * x / (a + 1);
    d = 1 / (fabs(d) < tiny ? tiny : d);
    double result = d;
    for (int m = 1; m < 10000; m++) {
        double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        d = 1 + even * d;
        c = 1 + even / c;
        d = 1 / (fabs(d) < tiny ? tiny : d);
        c = fabs(c) < tiny ? tiny : c;
        result *= d * c;
        double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        d = 1 + odd * d;
        c = 1 + odd / c;
        d = 1 / (fabs(d) < tiny ? tiny : d);
        c = fabs(c) < tiny ? tiny : c;
        double step = d * c;
        result *= step;
        if (fabs(step - 1) < 1e-16) break;
    }
    return result;
}

/* log Gamma without the C library's global sign. */
static double log_gamma(double x)
{
    int sign;
    return lgamma_r(x, &sign);
}

/* I_x(a, b) given x and 1 - x, both exact: the caller knows which of them would cancel. */
static double incomplete_beta(double x, double one_less_x, double a, double b)
{
    if (x <= 0) return 0;
    if (one_less_x <= 0) return 1;
    double front =
        exp(log_gamma(a + b) - log_gamma(a) - log_gamma(b) + a * log(x) + b * log(one_less_x));
    if (x < (a + 1) / (a + b + 2)) return front * beta_fraction(x, a, b) / a;
    return 1 - front * beta_fraction(one_less_x, b, a) / b;
}

double es_random_cosine_tail(double t, int64_t d)
{
    if (isnan(t) || d < 1) return NAN;
    if (t > 1) return 0;
    if (t <= -1) return 1;
    if (d == 1) return 0.5; /* -1 or 1 */
    if (t < 0) return 1 - es_random_cosine_tail(-t, d);
    /* 1 - t^2 is Beta((d-1)/2, 1/2): half of its lower part is the upper tail of t. */
    return 0.5 * incomplete_beta((1 - t) * (1 + t), t * t, 0.5 * ((double)d - 1), 0.5);
}

double es_random_cosine_level(double pairs, int64_t d)
{
    if (!(pairs > 0) || d < 1) return NAN;
    double low = -1, high = 1; /* the tail falls from 1 to 0 */
    for (int i = 0; i < 100 && low < high; i++) {
        double middle = low + (high - low) / 2;
        if (es_random_cosine_tail(middle, d) * pairs > 1)
            low = middle;
        else
            high = middle;
    }
    return high;
}
