/* Ticks of each stage of a step, in builds with ET_PROFILE; nothing otherwise. */
#ifndef ET_PROFILE_H
#define ET_PROFILE_H

#include <stdint.h>

#ifdef ET_PROFILE

#include "model.h"
#include "port.h"

extern uint32_t et_profile_last;

static inline void et_profile_stage(uint32_t stage)
{
    et_profile_ticks[stage] += port_ticks() - et_profile_last;
    et_profile_last = port_ticks();
}

#define ET_STAGE_BEGIN() (et_profile_last = port_ticks())
#define ET_STAGE(stage) et_profile_stage(stage)

#else

#define ET_STAGE_BEGIN() ((void)0)
#define ET_STAGE(stage) ((void)0)

#endif
#endif
