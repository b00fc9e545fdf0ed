"""Why a file as a whole cannot be imported. What is wrong with single rows is in `problems`."""

from __future__ import annotations

from duoline.kernel.errors import BadInput, NotFound, Refusal


class UnreadableFile(Refusal):
    """Not a file we can read; `why_zh` and `why_en` say what stands in the way."""

    code = "imports.unreadable-file"
    status = 422
    zh = "这个文件无法读取:{why_zh}。"
    en = "This file cannot be read: {why_en}."


class MissingColumns(Refusal):
    """Columns that the kind needs are neither in the file nor in the mapping; `columns` lists them."""

    code = "imports.missing-columns"
    status = 422
    zh = "缺少必需的列:{columns}。请补上,或在对应文件里写明它们来自哪一列。"
    en = "Columns are missing: {columns}. Add them, or say in the mapping where they come from."


class BadMapping(BadInput):
    """The mapping file cannot be used; `problems` lists where and why."""

    code = "imports.bad-mapping"
    zh = "对应文件有误:{first_zh}"
    en = "The mapping file is not right: {first_en}"


class NoSuchImport(NotFound):
    """There is no import with this id."""

    code = "imports.no-such-import"
    zh = "没有找到这次导入。"
    en = "There is no such import."


class NoErrors(NotFound):
    """The import has no error file: no row was bad, or it has not ended."""

    code = "imports.no-errors"
    zh = "这次导入没有错误文件。"
    en = "This import has no error file."
