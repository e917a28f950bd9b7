#include "dot.h"

#include "armv6m.h"

#ifdef ET_ARMV6M_LOOPS

/* Bases lie behind the last value, and one index counts up to 0.  For each input
 *
 *     x - zero point       LDRSB, ADD
 *     acc[k] += x * w[k]   LDRSB, MULS, ADD a row
 *
 * 4 products in 16 instructions. */
#define ROW(w, acc) "ldrsb r3, [" w ", r0]\n\tmuls r3, r2\n\tadd " acc ", r3\n\t"

ET_ARMV6M_FUNCTION void et_dot_4(const int8_t *restrict x, const int8_t *restrict w,
                                 uint32_t row_size, uint32_t n, int32_t zero_point, int32_t *acc)
{
    (void)x, (void)w, (void)row_size, (void)n, (void)zero_point, (void)acc;
    __asm__(ET_ARMV6M_ENTER "ldr r4, [sp, " ET_ARMV6M_SIXTH "]\n\t" ET_ARMV6M_LOAD_SUMS
                            "ldr r4, [sp, " ET_ARMV6M_FRAME "]\n\t"
                            "rsbs r4, r4, #0\n\t"
                            "mov r12, r4\n\t"
                            "adds r7, r0, r3\n\t"
                            "adds r1, r1, r3\n\t"
                            "adds r4, r1, r2\n\t"
                            "adds r5, r4, r2\n\t"
                            "adds r6, r5, r2\n\t"
                            "rsbs r0, r3, #0\n\t"
                            "beq 2f\n"
                            "1:\n\t"
                            "ldrsb r2, [r7, r0]\n\t"
                            "add r2, r12\n\t" ROW("r1", "r8") ROW("r4", "r9") ROW("r5", "r10")
                                ROW("r6", "r11") "adds r0, #1\n\t"
                                                 "bne 1b\n"
                                                 "2:\n\t"
                                                 "ldr r4, [sp, " ET_ARMV6M_SIXTH
                                                 "]\n\t" ET_ARMV6M_STORE_SUMS ET_ARMV6M_LEAVE);
}

/* For each error LDRSB, and LDRSB, MULS, ADD a column; the first of four weights side by side
 * has no register of its own, and takes LDRB and SXTB.  4 products in 17 instructions. */
#define COLUMN(at, acc) "ldrsb r4, [r1, " at "]\n\tmuls r4, r3\n\tadd " acc ", r4\n\t"

ET_ARMV6M_FUNCTION void et_dot_columns_4(const int8_t *restrict e, const int8_t *restrict w,
                                         uint32_t rows, uint32_t row_size, int32_t *acc)
{
    (void)e, (void)w, (void)rows, (void)row_size, (void)acc;
    __asm__(ET_ARMV6M_ENTER "ldr r4, [sp, " ET_ARMV6M_FRAME "]\n\t" ET_ARMV6M_LOAD_SUMS
                            "mov r12, r3\n\t"
                            "movs r5, #1\n\t"
                            "movs r6, #2\n\t"
                            "movs r7, #3\n\t"
                            "adds r0, r0, r2\n\t"
                            "rsbs r2, r2, #0\n\t"
                            "beq 2f\n"
                            "1:\n\t"
                            "ldrsb r3, [r0, r2]\n\t"
                            "ldrb r4, [r1]\n\t"
                            "sxtb r4, r4\n\t"
                            "muls r4, r3\n\t"
                            "add r8, r4\n\t" COLUMN("r5", "r9") COLUMN("r6", "r10")
                                COLUMN("r7", "r11") "add r1, r12\n\t"
                                                    "adds r2, #1\n\t"
                                                    "bne 1b\n"
                                                    "2:\n\t"
                                                    "ldr r4, [sp, " ET_ARMV6M_FRAME
                                                    "]\n\t" ET_ARMV6M_STORE_SUMS ET_ARMV6M_LEAVE);
}

#else

void et_dot_4(const int8_t *restrict x, const int8_t *restrict w, uint32_t row_size, uint32_t n,
              int32_t zero_point, int32_t *acc)
{
    const int8_t *restrict w1 = w + row_size, *restrict w2 = w1 + row_size;
    const int8_t *restrict w3 = w2 + row_size;
    int32_t acc0 = acc[0], acc1 = acc[1], acc2 = acc[2], acc3 = acc[3];
    for (const int8_t *end = x + n; x != end; x++) {
        int32_t value = *x - zero_point;
        acc0 += value * *w++;
        acc1 += value * *w1++;
        acc2 += value * *w2++;
        acc3 += value * *w3++;
    }
    acc[0] = acc0, acc[1] = acc1, acc[2] = acc2, acc[3] = acc3;
}

void et_dot_columns_4(const int8_t *restrict e, const int8_t *restrict w, uint32_t rows,
                      uint32_t row_size, int32_t *acc)
{
    int32_t acc0 = acc[0], acc1 = acc[1], acc2 = acc[2], acc3 = acc[3];
    for (const int8_t *end = e + rows; e != end; e++) {
        int32_t error = *e;
        acc0 += error * w[0];
        acc1 += error * w[1];
        acc2 += error * w[2];
        acc3 += error * w[3];
        w += row_size;
    }
    acc[0] = acc0, acc[1] = acc1, acc[2] = acc2, acc[3] = acc3;
}

#endif

int32_t et_dot(const int8_t *restrict x, const int8_t *restrict w, uint32_t n, int32_t zero_point)
{
    int32_t acc = 0;
    for (const int8_t *end = x + n; x != end; x++) {
        acc += (*x - zero_point) * *w++;
    }
    return acc;
}

int32_t et_dot_column(const int8_t *restrict e, const int8_t *restrict w, uint32_t rows,
                      uint32_t row_size)
{
    int32_t acc = 0;
    for (const int8_t *end = e + rows; e != end; e++) {
        acc += *e * *w;
        w += row_size;
    }
    return acc;
}
