"""Chooses another placement in reports/mapping.xlsx as a person would, with openpyxl.

Usage: place.py FILE TABLE PLACEMENT
"""

import sys

import openpyxl

path, table, placement = sys.argv[1:]
book = openpyxl.load_workbook(path)
sheet = book.worksheets[0]
header = next(row for row in sheet.iter_rows() if row[0].value == "Table")
columns = {cell.value: cell.column for cell in header}
rows = sheet.iter_rows(min_row=header[0].row + 1)
line = next(row[0].row for row in rows if row[0].value == table)
sheet.cell(line, columns["Placement"]).value = placement
book.save(path)
