"""Import of real files: CSV, XLSX and Parquet become stores, products, prices, stock, members and past orders.

This package loads no file library by itself: `readers` imports openpyxl and pyarrow only when such a file is opened,
and only the process that runs an import does that.
"""
