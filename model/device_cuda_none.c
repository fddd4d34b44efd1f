/* device_cuda_none.c: in a program without CUDA.  make CUDA=1 links device_cuda.cu before the library, whose own
 * definition is then not asked for. */
#include "model/device.h"

const struct fot_device_kind *fot_device_cuda(void)
{
	return NULL;
}
