"""Edits reports/mapping.xlsx as a person would, with openpyxl: sorts the rows of a sheet, changes cells, remarks.

Usage: edit.py FILE SHEET KEY TARGET TRANSFORM REMARK
"""

import sys

import openpyxl

path, sheet_name, key, target, transform, remark = sys.argv[1:]
book = openpyxl.load_workbook(path)
for other in book.worksheets:
    for row in other.iter_rows():
        for cell in row:
            assert cell.data_type != "f", f"a formula at {other.title} {cell.coordinate}"
sheet = book[sheet_name]
header = next(row for row in sheet.iter_rows() if row[0].value == "Key")
columns = {cell.value: cell.column for cell in header}
first = header[0].row + 1
rows = [[cell.value for cell in row] for row in sheet.iter_rows(min_row=first)]
rows = [row for row in rows if row[0]]
rows.sort(key=lambda row: str(row[columns["Source column"] - 1]), reverse=True)
for offset, row in enumerate(rows):
    for column, value in enumerate(row, start=1):
        sheet.cell(first + offset, column).value = value
line = next(first + offset for offset, row in enumerate(rows) if row[0] == key)
if target != "-":
    sheet.cell(line, columns["Target in Pipedrive"]).value = target
if transform != "-":
    sheet.cell(line, columns["What happens to the value"]).value = transform
if remark != "-":
    sheet.cell(line, columns["Your remark"]).value = remark
assert sheet.freeze_panes, "the header stays in sight"
assert sheet.protection.sheet, "the sheet is protected"
assert sheet.data_validations.dataValidation, "there are lists to choose from"
book.save(path)
