#pragma once

#include "partialpool/matrix.hpp"

namespace partialpool {

/// LAPACK and BLAS routines handed over by Python from scipy.linalg's Cython capsules:
/// SciPy's OpenBLAS is three times as fast as Eigen on large blocks, and nothing has to be
/// linked or shipped. Until they are handed over Eigen does the work.
struct Lapack {
    void (*dpotrf)(char*, int*, double*, int*, int*) = nullptr;
    void (*dpotri)(char*, int*, double*, int*, int*) = nullptr;
    void (*dtrsm)(char*, char*, char*, char*, int*, int*, double*, double*, int*, double*,
                  int*) = nullptr;
    void (*dsyrk)(char*, char*, int*, int*, double*, double*, int*, double*, double*,
                  int*) = nullptr;
    void (*dgemm)(char*, char*, int*, int*, int*, double*, double*, int*, double*, int*, double*,
                  double*, int*) = nullptr;

    static Lapack& get() {
        static Lapack table;
        return table;
    }
    bool ready() const { return dpotrf && dpotri && dtrsm && dsyrk && dgemm; }
};

}  // namespace partialpool
