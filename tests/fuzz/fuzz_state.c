/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz_state.c - reads the saved state of the steering, writes it and reads it again.
 */
#include "steering/steering_state.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size), *again;
	struct steering_state *state = steering_state_read(text);

	if (state) {
		again = steering_state_write(state);
		steering_state_free(state);
		state = again ? steering_state_read(again) : NULL;
		if (!state)
			abort();
		steering_state_free(state);
		free(again);
	}
	free(text);
	return 0;
}
