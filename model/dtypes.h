/* dtypes.h: types of numbers in files, in a memory and on a device. From FOT_I64 on: those that files may hold, but no
 * weight that is read. */
#ifndef FOT_DTYPES_H
#define FOT_DTYPES_H

enum fot_dtype {
	FOT_F32,
	FOT_F16,
	FOT_BF16,
	FOT_F64,
	FOT_I64,
	FOT_I32,
	FOT_I16,
	FOT_I8,
	FOT_U8,
	FOT_BOOL,
	FOT_U16,
	FOT_U32,
	FOT_U64,
	FOT_F8_E4M3,
	FOT_F8_E5M2,
	FOT_F8_E8M0,
	FOT_C64,
	FOT_DTYPE_COUNT
};

#endif
