"""Fills in a workbook as a person would, with openpyxl: rows below the example, cells by their headings.

Usage: fill.py FILE SHEET ROWS, where ROWS is a JSON list of objects; a text that begins with "day:" is typed as a day.
"""

import datetime
import json
import sys

import openpyxl

path, sheet_name, rows = sys.argv[1:]
book = openpyxl.load_workbook(path)
for other in book.worksheets:
    for row in other.iter_rows():
        for cell in row:
            assert cell.data_type != "f", f"a formula at {other.title} {cell.coordinate}"
sheet = book[sheet_name]
columns = {cell.value: cell.column for cell in sheet[1]}
assert any(str(cell.value).startswith("EXAMPLE") for cell in sheet[2]), "there is an example"
assert sheet.data_validations.dataValidation, "there are lists to choose from"
assert any(cell.comment for cell in sheet[1]), "headings say what belongs under them"
sheet.delete_rows(3, sheet.max_row)
for offset, row in enumerate(json.loads(rows)):
    for title, value in row.items():
        if isinstance(value, str) and value.startswith("day:"):
            value = datetime.date.fromisoformat(value[4:])
        sheet.cell(3 + offset, columns[title]).value = value
book.save(path)
