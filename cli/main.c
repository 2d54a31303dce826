#include <embscope/embscope.h>
#include <stdio.h>

int main(void)
{
    printf("embscope %s\n", es_version());
    return 0;
}
