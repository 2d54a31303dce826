/* The formulas of the report, as MathML: no script and no font has to be loaded for them. */
#ifndef ES_RENDER_REPORT_FORMULAS_H
#define ES_RENDER_REPORT_FORMULAS_H

/* clang-format off */
#define MATH_BEGIN    "<div class=\"formula\"><math displaystyle=\"true\"><mrow>"
#define MATH_END      "</mrow></math></div>\n"

#define MI(x)         "<mi>" x "</mi>"
#define MO(x)         "<mo>" x "</mo>"
#define MN(x)         "<mn>" x "</mn>"
#define MTEXT(x)      "<mtext>" x "</mtext>"
#define ROW(x)        "<mrow>" x "</mrow>"
#define SUB(x, i)     "<msub>" x i "</msub>"
#define SUP(x, e)     "<msup>" x e "</msup>"
#define SUBSUP(x,i,e) "<msubsup>" x i e "</msubsup>"
#define FRAC(a, b)    "<mfrac>" ROW(a) ROW(b) "</mfrac>"
#define ROOT(x)       "<msqrt>" ROW(x) "</msqrt>"
#define HAT(x)        "<mover>" MI(x) MO("^") "</mover>"
#define NORM(x)       MO("‖") x MO("‖")
#define GAP           "<mspace width=\"1.2em\"/>"
#define UPRIGHT(x)    "<mi mathvariant=\"normal\">" x "</mi>"
#define SUM(k, n)     "<munderover>" MO("∑") ROW(MI(k) MO("=") MN("1")) MI(n) "</munderover>"

/* E ∈ R^(V x d), v_t = E[t], V = ...: this model's sizes follow, then MATH_END. */
#define FORMULA_TABLE MATH_BEGIN                                                                   \
    MI("E") MO("∈") SUP(UPRIGHT("ℝ"), ROW(MI("V") MO("×") MI("d"))) MO(",") GAP                    \
    SUB(MI("v"), MI("t")) MO("=") MI("E") MO("[") MI("t") MO("]") MO(",") GAP MI("V") MO("=")

#define FORMULA_NORM MATH_BEGIN                                                                    \
    NORM(MI("v")) MO("=") ROOT(SUM("k", "d") SUBSUP(MI("v"), MI("k"), MN("2"))) MATH_END

#define FORMULA_COSINE MATH_BEGIN                                                                  \
    MI("cos") MO("(") MI("a") MO(",") MI("b") MO(")") MO("=")                                      \
    FRAC(MI("a") MO("·") MI("b"), NORM(MI("a")) NORM(MI("b")))                                     \
    MO("=") HAT("a") MO("·") HAT("b") MATH_END

#define FORMULA_NEIGHBORS MATH_BEGIN                                                               \
    MI("s") MO("=") HAT("E") SUB(HAT("v"), MI("t")) MATH_END

#define FORMULA_MATRIX MATH_BEGIN                                                                  \
    SUB(MI("S"), ROW(MI("i") MI("j"))) MO("=") SUB(HAT("v"), MI("i")) MO("·")                      \
    SUB(HAT("v"), MI("j")) MO(",") GAP MI("S") MI("u") MO("=") MI("λ") MI("u") MATH_END

#define FORMULA_PAIRS MATH_BEGIN                                                                   \
    MI("S") MO("=") HAT("E") SUP(ROW(HAT("E")), UPRIGHT("T")) MO(",") GAP                          \
    MTEXT("random directions: mean&nbsp;") MN("0") MO(",") MTEXT("&nbsp;variance&nbsp;")           \
    FRAC(MN("1"), MI("d")) MATH_END

#define FORMULA_EUCLID MATH_BEGIN                                                                  \
    SUP(ROW(NORM(HAT("x") MO("−") HAT("y"))), MN("2")) MO("=") MN("2") MO("−") MN("2")             \
    MI("cos") MO("(") MI("x") MO(",") MI("y") MO(")") MATH_END

#define FORMULA_SOFTMAX MATH_BEGIN                                                                 \
    SUB(MI("z"), MI("i")) MO("=") SUB(MI("v"), MI("i")) MO("·") MI("h") MO("=")                    \
    NORM(SUB(MI("v"), MI("i"))) NORM(MI("h")) MI("cos") SUB(MI("θ"), MI("i")) MO(",") GAP          \
    MI("P") MO("(") MI("i") MO(")") MO("=")                                                        \
    FRAC(SUP(MI("e"), SUB(MI("z"), MI("i"))), MO("∑") SUP(MI("e"), SUB(MI("z"), MI("j")))) MATH_END
/* clang-format on */

#endif
