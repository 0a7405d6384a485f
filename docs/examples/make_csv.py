"""Write patients.csv: the diabetes study that comes with scikit-learn, with a date of visit for each patient.

The measurements are real. The dates are not in the study: patient n is given the n-th day of 2023.
"""

import datetime
import pathlib

from sklearn.datasets import load_diabetes


def main() -> None:
    frame = load_diabetes(as_frame=True, scaled=False).frame
    frame = frame.rename(columns={"target": "progression"}).astype({"age": int, "sex": int, "progression": int})
    first = datetime.date(2023, 1, 1)
    frame.insert(0, "visit", [first + datetime.timedelta(days=n) for n in range(len(frame))])
    frame.to_csv(pathlib.Path(__file__).with_name("patients.csv"), index=False)


if __name__ == "__main__":
    main()
