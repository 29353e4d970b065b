"""The language FHIR R4, without any input or output: JSON to records, and orders to JSON.

    codec       JSON with exact decimals
    validation  is this R4?
    reading     elements -> values, crossing off what was read
    mappings    rows: which element becomes which field
    records     what an EHR told us, in neutral words
    writing     orders, prescriptions and signed notes -> resources

The adapters for EHRs, laboratories and pharmacies speak it; none of them knows another.
"""
