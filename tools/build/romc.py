"""Writes the constants of rom.py into the C file that MicroPython's makemanifest made.

Enters: frozen_content.c and a plan of rom.move().  Leaves: the same file with functions, classes
and their dicts as constants in place of the marks.

    finish(Path("frozen_content.c"), plan)

Limit: the form of that file as of MicroPython 1.25; another is a BuildError or does not compile.
"""

from __future__ import annotations

import re
from pathlib import Path

from tools.build.rom import ARRAYS, BEGIN
from tools.build.source import BuildError

_HASH_BYTES = 2
_SMALL = 1 << 30  # ints below are no objects on any port
_TITLE = "// Functions and classes as constants; made by tools/build/romc.py."
_HEAD = _TITLE + f"""
#include "py/objarray.h"
#include "py/objfun.h"
#include "py/objmodule.h"
#include "py/objtype.h"
#include "py/runtime.h"
#if MICROPY_PY_SYS_SETTRACE || MICROPY_QSTR_BYTES_IN_HASH != {_HASH_BYTES}
#error this code was not made for these settings of MicroPython
#endif
static mp_module_context_t rom_context;
extern const mp_obj_dict_t rom_names;

// What a class does is known by a class in the heap alone: rom_begin() makes one.
static const mp_obj_type_t *rom_kind;
#define ROM_KIND(slot) MP_OBJ_TYPE_GET_SLOT(rom_kind, slot)
static mp_obj_t rom_make_new(const mp_obj_type_t *type, size_t n, size_t n_kw,
    const mp_obj_t *args) {{
    return ROM_KIND(make_new)(type, n, n_kw, args);
}}
static void rom_print(const mp_print_t *print, mp_obj_t self, mp_print_kind_t kind) {{
    ROM_KIND(print)(print, self, kind);
}}
static mp_obj_t rom_unary_op(mp_unary_op_t op, mp_obj_t self) {{
    return ROM_KIND(unary_op)(op, self);
}}
static mp_obj_t rom_binary_op(mp_binary_op_t op, mp_obj_t left, mp_obj_t right) {{
    return ROM_KIND(binary_op)(op, left, right);
}}
static void rom_attr(mp_obj_t self, qstr name, mp_obj_t *dest) {{
    ROM_KIND(attr)(self, name, dest);
}}
static mp_obj_t rom_subscr(mp_obj_t self, mp_obj_t index, mp_obj_t value) {{
    return ROM_KIND(subscr)(self, index, value);
}}
static mp_int_t rom_buffer(mp_obj_t self, mp_buffer_info_t *info, mp_uint_t flags) {{
    return ROM_KIND(buffer)(self, info, flags);
}}

// Called where the module begins: its globals are those of the functions, and hold the class.
static mp_obj_t rom_begin(void) {{
    if (MP_STATE_VM(mp_module_builtins_override_dict) != NULL) {{
        mp_raise_msg(&mp_type_RuntimeError, NULL);
    }}
    MP_STATE_VM(mp_module_builtins_override_dict) = (mp_obj_dict_t *)&rom_names;
    rom_context.module.globals = mp_globals_get();
    mp_obj_t kind = mp_obj_new_type(MP_QSTR__, mp_const_empty_tuple, mp_obj_new_dict(0));
    mp_store_global(MP_QSTR__, kind);
    rom_kind = MP_OBJ_TO_PTR(kind);
    return mp_const_none;
}}
static MP_DEFINE_CONST_FUN_OBJ_0(rom_begin_obj, rom_begin);
"""
_CONTEXT = """
static mp_module_context_t rom_context = {{
    .module = {{ .base = {{ &mp_type_module }} }},
    .constants = {{
        .qstr_table = (qstr_short_t *)&const_qstr_table_data_{module},
        .obj_table = {objects},
    }},
}};
"""
_FLAGS = ("MP_TYPE_FLAG_EQ_NOT_REFLEXIVE | MP_TYPE_FLAG_EQ_CHECKS_OTHER_TYPE | "
          "MP_TYPE_FLAG_EQ_HAS_NEQ_TEST | MP_TYPE_FLAG_ITER_IS_GETITER | "
          "MP_TYPE_FLAG_INSTANCE_TYPE")
_SLOTS = ("make_new, rom_make_new, print, rom_print, call, mp_obj_instance_call, unary_op, "
          "rom_unary_op, binary_op, rom_binary_op, attr, rom_attr, subscr, rom_subscr, iter, "
          "mp_obj_instance_getiter, buffer, rom_buffer")
_NAMES = {"b": "rom_begin_obj", "f": "rom_f_{}", "c": "rom_c_{}", "k": "rom_k_{}",
          "m": "rom_m_{}", "a": "rom_a_{}", "t": "rom_t_{}"}
_TYPES = {"m": "mp_obj_dict_t", "a": "mp_obj_array_t", "t": "mp_rom_obj_tuple_t"}


def finish(path: Path, plan: dict) -> None:
    """Replace the marks in what makemanifest wrote. BuildError when it looks otherwise."""
    text = path.read_text()
    if _TITLE not in text:  # makemanifest may have left it as it was
        path.write_text(_Writer(_small_ints(text), plan).text())


def _small_ints(text: str) -> str:
    """Ints in constant tuples as the compiler on the device has them.

    mpy-tool makes a long int of each: a sum with it would be a new object.
    """
    found = {}
    for name, negative, digits in re.findall(
            r"^static const mp_obj_int_t (\w+) = {{&mp_type_int}, {\.neg=(\d), .*"
            r"uint16_t\[\]\){([^}]*)}}};$", text, re.M):
        value = sum(int(digit, 16) << 16 * i for i, digit in enumerate(digits.split(",")) if digit)
        if value < _SMALL:
            found[name] = -value if negative == "1" else value
    text = re.sub(r"^static const mp_obj_int_t (\w+) = .*\n",
                  lambda line: "" if line[1] in found else line[0], text, flags=re.M)
    return re.sub(r"MP_ROM_PTR\(&(\w+)\)", lambda entry: f"MP_ROM_INT({found[entry[1]]})"
                  if entry[1] in found else entry[0], text)


class _Writer:
    def __init__(self, text: str, plan: dict):
        self._text, self._classes, self._names = text, plan["classes"], plan["names"]
        self._module = plan["module"] + "_rom"
        listed = re.search(rf"children_{self._module}__lt_module_gt_\[\] = {{(.*?)}};", text, re.S)
        if listed is None or _escaped(BEGIN) not in text:
            raise BuildError(f"no functions of {self._module} in the frozen code")
        self._functions = re.findall(r"&proto_fun_(\w+)", listed[1])
        self._made = {name: (kind, children) for kind, name, children in re.findall(
            r"\.is_generator = (\d),\n    \.fun_data = fun_data_(\w+),\n    \.children = (.*),\n",
            text)}
        self._objects = dict(re.findall(
            r"^static const mp_obj_str_t (const_obj_\w+) = {{&mp_type_bytes}, \d+, \d+, "
            r'\(const byte\*\)"((?:\\x[0-9a-f]{2})*)"};$', text, re.M))
        self._values = self._find_values()
        self._where = {name: self._values[kind, number][0] if kind == "o" else
                       f"MP_ROM_PTR(&{_NAMES[kind].format(number)})"
                       for name, kind, number, _ in self._names}
        for key, places in plan["places"].items():
            for i, name in places.items():
                self._values[key[0], int(key[1:])][int(i)] = self._where[name]

    def text(self) -> str:
        at = self._text.index("\n", self._text.rindex("\n#include") + 1) + 1
        functions = range(len(self._functions))
        out = [_HEAD]
        out += [f"extern const mp_obj_fun_bc_t rom_f_{i};\n" for i in functions]
        out += [f"extern const mp_obj_dict_t rom_c_{i};\n" for i in range(len(self._classes))]
        out += [f"extern const mp_obj_type_t rom_k_{i};\n"
                for i, row in enumerate(self._classes) if row[0]]
        out += [f"extern const {_TYPES[kind]} {_NAMES[kind].format(number)};\n"
                for _name, kind, number, _more in self._names if kind in _TYPES]
        out += [self._replaced(self._text[at:]), self._context()]
        out += map(self._function, functions)
        for i, row in enumerate(self._classes):
            rows = [(name, f"MP_ROM_PTR(&rom_f_{value['f']})" if isinstance(value, dict)
                     else _literal(value)) for name, value in row[3]]
            out.append(_dict(f"rom_c_{i}", rows))
            out.append(self._class(i, row))
        for _name, kind, number, more in self._names:
            values = self._values.get((kind, number), [])
            if kind == "m":
                rows = list(zip(more, values[1::2]))
                out.append(_dict(_NAMES[kind].format(number), rows, values[::2]))
            elif kind == "a":
                out.append(_array(_NAMES[kind].format(number), *more))
            elif kind == "t":
                out.append(f"const mp_rom_obj_tuple_t rom_t_{number} = {{ {{ &mp_type_tuple }}, "
                           f"{len(values)}, {{ {', '.join(values)} }} }};\n")
        out.append(_dict("rom_names", list(self._where.items())))
        return self._text[:at] + "".join(out)

    def _replaced(self, text: str) -> str:
        """The rest of the file, its tables with pointers to constants where marks were."""
        names = {}
        for name, data in self._objects.items():
            said = re.fullmatch(r"rom:([bcfk]):(\d+)", _said(data))
            if said:
                names[name] = _NAMES[said[1]].format(int(said[2]))
        text = re.sub(r"^static const mp_obj_str_t (\w+) = .*\n",
                      lambda line: "" if line[1] in names else line[0], text, flags=re.M)
        text = re.sub(r"MP_ROM_PTR\(&(\w+)\),",
                      lambda entry: f"MP_ROM_PTR(&{names.get(entry[1], entry[1])}),", text)
        if any(_escaped(f"rom:{kind}:") in text for kind in "bcfk"):
            raise BuildError("a mark was not found in a table of objects")
        return text

    def _find_values(self) -> dict[tuple[str, int], list[str]]:
        """{kind and number of a mark: what stands behind it in a tuple, as C expressions}"""
        found = {}
        tuples = re.findall(r"^static const mp_rom_obj_tuple_t \w+ = {{&mp_type_tuple}, \d+, {\n"
                            r"    MP_ROM_PTR\(&(\w+)\),\n((?:    .*,\n)*)}};$", self._text, re.M)
        for first, items in tuples:
            said = re.fullmatch(r"rom:([dmot]):(\d+)", _said(self._objects.get(first, "")))
            if said:
                found[said[1], int(said[2])] = [
                    line.strip().rstrip(",") for line in items.splitlines()]
        return found

    def _context(self) -> str:
        table = f"const_obj_table_data_{self._module}"
        objects = f"(mp_obj_t *)&{table}" if table in self._text else "NULL"
        return _CONTEXT.format(module=self._module, objects=objects)

    def _function(self, i: int) -> str:
        name = self._functions[i]
        if name not in self._made:
            raise BuildError(f"no function {name} in the frozen code")
        is_generator, children = self._made[name]
        kind = "mp_type_gen_wrap" if is_generator == "1" else "mp_type_fun_bc"
        more = ", ".join("(mp_obj_t)" + value for value in self._values.get(("d", i), []))
        more = f" .extra_args = {{ {more} }}," if more else ""
        return (f"const mp_obj_fun_bc_t rom_f_{i} = {{ .base = {{ &{kind} }}, "
                f".context = &rom_context, .child_table = {children}, "
                f".bytecode = fun_data_{name},{more} }};\n")

    def _class(self, i: int, row: list) -> str:
        name, base, inherited, _ = row
        if name is None:
            return ""
        flags = _FLAGS + (" | MP_TYPE_FLAG_IS_SUBCLASSED" if inherited else "")
        if base is None:
            parent = ""
        elif isinstance(base, int):
            parent = f", parent, &rom_k_{base}"
        else:
            parent = f", parent, &mp_type_{base}"
        return (f"MP_DEFINE_CONST_OBJ_TYPE(rom_k_{i}, MP_QSTR_{name}, {flags}, {_SLOTS}, "
                f"locals_dict, &rom_c_{i}{parent});\n")


def _dict(name: str, rows: list[tuple[str | int, str]], keys: list[str] | None = None) -> str:
    """A constant dict, its entries where MicroPython's hash looks for them.

    Of each row the key, a name or a small int, and its value in C; `keys`: the keys in C.
    """
    size = len(rows) + len(rows) // 3 + 1 if rows else 0
    table: list[str | None] = [None] * size
    for i, (key, value) in enumerate(rows):
        at = (key if isinstance(key, int) else name_hash(key)) % size
        while table[at] is not None:
            at = (at + 1) % size
        said = keys[i] if keys else f"MP_ROM_QSTR(MP_QSTR_{key})"
        if isinstance(key, str) and not said.startswith("MP_ROM_QSTR"):
            raise BuildError(f"{key} is no name in the frozen code")
        table[at] = f"    [{at}] = {{ {said}, {value} }},\n"
    made = (f"static const mp_rom_map_elem_t {name}_table[{size}] = {{\n"
            + "".join(filter(None, table)) + "};\n" if rows else "")
    where = f"(mp_map_elem_t *){name}_table" if rows else "NULL"
    names = int(all(isinstance(key, str) for key, _ in rows))
    return made + (f"const mp_obj_dict_t {name} = {{ .base = {{ &mp_type_dict }}, "
                   f".map = {{ .all_keys_are_qstrs = {names}, .is_fixed = 1, .is_ordered = 0, "
                   f".used = {len(rows)}, .alloc = {size}, .table = {where} }} }};\n")


def _array(name: str, kind: str, items: list[int]) -> str:
    values = ", ".join(map(str, items))
    return (f"static const {ARRAYS[kind]} {name}_items[] = {{ {values} }};\n"
            f"const mp_obj_array_t {name} = {{ .base = {{ &mp_type_array }}, "
            f".typecode = '{kind}', .len = {len(items)}, .items = (void *){name}_items }};\n")


def name_hash(name: str) -> int:
    """The hash of a name as MicroPython keeps it in flash."""
    value = 5381
    for byte in name.encode():
        value = (value * 33 ^ byte) & 0xFFFFFFFF
    return value & (1 << 8 * _HASH_BYTES) - 1 or 1


def _literal(value: int | bool | None) -> str:
    if value is None or isinstance(value, bool):
        return {True: "MP_ROM_TRUE", False: "MP_ROM_FALSE", None: "MP_ROM_NONE"}[value]
    return f"MP_ROM_INT({value})"


def _escaped(text: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in text.encode())


def _said(data: str) -> str:
    return bytes.fromhex(data.replace("\\x", "")).decode("latin-1")
