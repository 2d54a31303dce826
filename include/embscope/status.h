/* How a call says that it failed.
 *
 * Every function that can fail returns an es_status. Its last argument is an optional es_error that
 * the caller owns; the text in it is written once, where the fault is known: which file, where in
 * it, what was found, what to do. The library never prints, never exits, sets no global. */
#ifndef EMBSCOPE_STATUS_H
#define EMBSCOPE_STATUS_H

/* Around every public declaration: C names in C++, and visible from the shared library, where all
 * else is hidden. */
#ifdef __cplusplus
#define ES_BEGIN_DECLARATIONS                                                                      \
    extern "C" {                                                                                   \
    _Pragma("GCC visibility push(default)")
#define ES_END_DECLARATIONS                                                                        \
    _Pragma("GCC visibility pop")                                                                  \
    }
#else
#define ES_BEGIN_DECLARATIONS _Pragma("GCC visibility push(default)")
#define ES_END_DECLARATIONS   _Pragma("GCC visibility pop")
#endif

ES_BEGIN_DECLARATIONS

/* One list makes the enum and its names. */
#define ES_STATUS_LIST(X)                                                                          \
    X(ES_OK, "done")                                                                               \
    X(ES_BAD_INPUT, "the input cannot be used") /* a file that is broken, too large ... */         \
    X(ES_NOT_FOUND, "not found")                /* no such file, tensor, token, model */           \
    X(ES_UNSUPPORTED, "not supported")          /* well-formed, but not for us */                  \
    X(ES_NO_MEMORY, "out of memory")                                                               \
    X(ES_CANNOT_READ, "cannot read")     /* the system refused to read */                          \
    X(ES_CANNOT_WRITE, "cannot write")   /* the system refused to write */                         \
    X(ES_BAD_ARGUMENT, "wrong argument") /* an option outside its range */                         \
    X(ES_CANCELLED, "cancelled")         /* a progress callback asked to stop */                   \
    X(ES_INTERNAL, "internal error")     /* a self-check failed: a bug, report it */

typedef enum es_status {
#define ES_STATUS_ENUM(name, text) name,
    ES_STATUS_LIST(ES_STATUS_ENUM)
#undef ES_STATUS_ENUM
} es_status;

/* Room for the longest message; a longer one ends in "...". All zero is an empty error. The text is
 * valid UTF-8 with control characters of file contents and names escaped: safe to print on a
 * terminal. */
typedef struct es_error {
    char text[1024];
} es_error;

/* The name of a status in words ("not found"); never NULL. */
const char *es_status_text(es_status status);

ES_END_DECLARATIONS
#endif
