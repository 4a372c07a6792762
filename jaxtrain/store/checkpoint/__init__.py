"""Named arrays and JSON in folders that are whole or not there, and checked when read.

`Store` is the writer's face: one run at a time, the newest and the best kept. `read`
and `load` need no lock. Every byte that is returned was hashed first; nothing is
pickled.
`flatten` and `restore` turn a tree of JAX arrays into named arrays and back.

    ROOT/.lock
    ROOT/step-00000123/state.safetensors    the arrays
    ROOT/step-00000123/state.json           step, score, and the caller's JSON
    ROOT/step-00000123/manifest.json        size and SHA-256 of the other two
"""

from jaxtrain._lazy import face

__getattr__, __dir__, __all__ = face(__name__, __file__)
