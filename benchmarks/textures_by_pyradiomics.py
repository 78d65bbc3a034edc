"""pyradiomics: a loop over the images, each with a mask of all its pixels.

Runs in an environment of its own, so it imports nothing of medlib. Settings as in the other ways:
32 bins of each image's own range, in the plane, directions merged.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
import radiomics
import SimpleITK as sitk
from radiomics.firstorder import RadiomicsFirstOrder
from radiomics.glcm import RadiomicsGLCM
from radiomics.glrlm import RadiomicsGLRLM
from radiomics.glszm import RadiomicsGLSZM

radiomics.setVerbosity(50)
SETTINGS = {
    "binCount": 32,
    "force2D": True,
    "force2Ddimension": 0,
    "weightingNorm": "no_weighting",
    "label": 1,
}
GLCM = {
    "MaximumProbability": "joint_maximum",
    "JointAverage": "joint_average",
    "SumSquares": "joint_variance",
    "JointEntropy": "joint_entropy",
    "DifferenceAverage": "difference_average",
    "DifferenceVariance": "difference_variance",
    "DifferenceEntropy": "difference_entropy",
    "SumEntropy": "sum_entropy",
    "JointEnergy": "angular_second_moment",
    "Contrast": "contrast",
    "Id": "inverse_difference",
    "Idn": "normalised_inverse_difference",
    "Idm": "inverse_difference_moment",
    "Idmn": "normalised_inverse_difference_moment",
    "InverseVariance": "inverse_variance",
    "Correlation": "correlation",
    "Autocorrelation": "autocorrelation",
    "ClusterTendency": "cluster_tendency",
    "ClusterShade": "cluster_shade",
    "ClusterProminence": "cluster_prominence",
    "Imc1": "information_correlation_1",
    "Imc2": "information_correlation_2",
}
GLRLM = {
    "ShortRunEmphasis": "short_runs_emphasis",
    "LongRunEmphasis": "long_runs_emphasis",
    "LowGrayLevelRunEmphasis": "low_grey_level_run_emphasis",
    "HighGrayLevelRunEmphasis": "high_grey_level_run_emphasis",
    "ShortRunLowGrayLevelEmphasis": "short_run_low_grey_level_emphasis",
    "ShortRunHighGrayLevelEmphasis": "short_run_high_grey_level_emphasis",
    "LongRunLowGrayLevelEmphasis": "long_run_low_grey_level_emphasis",
    "LongRunHighGrayLevelEmphasis": "long_run_high_grey_level_emphasis",
    "GrayLevelNonUniformity": "grey_level_non_uniformity",
    "GrayLevelNonUniformityNormalized": "normalised_grey_level_non_uniformity",
    "RunLengthNonUniformity": "run_length_non_uniformity",
    "RunLengthNonUniformityNormalized": "normalised_run_length_non_uniformity",
    "RunPercentage": "run_percentage",
    "GrayLevelVariance": "grey_level_variance",
    "RunVariance": "run_length_variance",
    "RunEntropy": "run_entropy",
}
GLSZM = {
    "SmallAreaEmphasis": "small_zone_emphasis",
    "LargeAreaEmphasis": "large_zone_emphasis",
    "LowGrayLevelZoneEmphasis": "low_grey_level_zone_emphasis",
    "HighGrayLevelZoneEmphasis": "high_grey_level_zone_emphasis",
    "SmallAreaLowGrayLevelEmphasis": "small_zone_low_grey_level_emphasis",
    "SmallAreaHighGrayLevelEmphasis": "small_zone_high_grey_level_emphasis",
    "LargeAreaLowGrayLevelEmphasis": "large_zone_low_grey_level_emphasis",
    "LargeAreaHighGrayLevelEmphasis": "large_zone_high_grey_level_emphasis",
    "GrayLevelNonUniformity": "grey_level_non_uniformity",
    "GrayLevelNonUniformityNormalized": "normalised_grey_level_non_uniformity",
    "SizeZoneNonUniformity": "zone_size_non_uniformity",
    "SizeZoneNonUniformityNormalized": "normalised_zone_size_non_uniformity",
    "ZonePercentage": "zone_percentage",
    "GrayLevelVariance": "grey_level_variance",
    "ZoneVariance": "zone_size_variance",
    "ZoneEntropy": "zone_size_entropy",
}
FIRST_ORDER = {
    "Mean": "mean",
    "Variance": "variance",
    "Skewness": "skewness",
    "Median": "median",
    "Minimum": "minimum",
    "10Percentile": "10th_percentile",
    "90Percentile": "90th_percentile",
    "Maximum": "maximum",
    "InterquartileRange": "interquartile_range",
    "Range": "range",
    "MeanAbsoluteDeviation": "mean_absolute_deviation",
    "RobustMeanAbsoluteDeviation": "robust_mean_absolute_deviation",
    "Energy": "energy",
    "RootMeanSquared": "root_mean_square",
    "Entropy": "discretised_entropy",
    "Uniformity": "discretised_uniformity",
}
TASKS = {
    "glcm": [("glcm", RadiomicsGLCM, GLCM)],
    "all": [
        ("intensity", RadiomicsFirstOrder, FIRST_ORDER),
        ("glcm", RadiomicsGLCM, GLCM),
        ("glrlm", RadiomicsGLRLM, GLRLM),
        ("glszm", RadiomicsGLSZM, GLSZM),
    ],
}


def main(task, folder):
    """Print seconds and number of features; write the values."""
    images = np.load(folder / "images.npy")
    mask = sitk.GetImageFromArray(np.ones((1, *images.shape[1:]), dtype=np.uint8))
    begun = time.perf_counter()
    rows = [of_image(sitk.GetImageFromArray(image[None]), mask, TASKS[task]) for image in images]
    seconds = time.perf_counter() - begun
    columns = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    np.savez(folder / f"{task}_pyradiomics.npz", **columns)
    print(json.dumps({"seconds": seconds, "features": len(columns)}))


def of_image(image, mask, families):
    """Return the features of one image under our names."""
    found = {}
    for family, feature_class, names in families:
        extractor = feature_class(image, mask, **SETTINGS)
        for theirs in names:
            extractor.enableFeatureByName(theirs)
        values = extractor.execute()
        found.update({f"{family}_{ours}": float(values[n]) for n, ours in names.items()})
    return found


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
